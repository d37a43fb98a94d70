import { copyFileSync, existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { belay, startServer, temporaryFolder } from "./belay_command.ts";
import { type Api, api, pendingProcess } from "./fixtures.ts";

function connect(address: string): Api {
  const client = api(address);
  onTestFinished(() => client.close());
  return client;
}

async function cancelledProcess(client: Api): Promise<string> {
  const id = await pendingProcess(client);
  await client.cancellations.cancelProcess({ processId: id, reason: "wrong", requestedBy: { system: "test" } });
  return id;
}

it("copies what a running server has answered, and the copy can take the place of the database", async () => {
  const folder = temporaryFolder();
  const [database, copy] = [join(folder, "belay.sqlite"), join(folder, "copy.db")];
  const server = await startServer(folder);
  const client = connect(server.address);
  const before = await Promise.all(Array.from({ length: 20 }, () => cancelledProcess(client)));
  // Cancels go on while the copy is made.
  const made = belay(["backup", "--db", database, "--to", copy]);
  let isMade = false;
  const during: string[] = [];
  const cancelling = (async () => {
    while (!isMade) during.push(await cancelledProcess(client));
  })();
  const { exitCode, stdout, stderr } = await made;
  isMade = true;
  await cancelling;

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/copy\.db: \d+ executions, \d+\.\d MB, checked\n$/);
  expect(during.length).toBeGreaterThan(0);
  await server.stop();
  for (const suffix of ["-wal", "-shm"]) rmSync(`${database}${suffix}`, { force: true });
  copyFileSync(copy, database);
  const restored = await startServer(folder);
  const again = connect(restored.address);
  for (const id of before) {
    const { process } = await again.executions.getProcess({ processId: id });
    expect(process?.execution?.state).toBe(ExecutionState.CANCELLED);
  }
  expect(await belay(["doctor", "--db", database])).toMatchObject({ exitCode: 0 });
  await restored.stop();
});

it("makes a file that only its user may read, and leaves nothing else", async () => {
  const folder = temporaryFolder();
  await belay(["migrate", "--db", join(folder, "belay.db")]);
  const backups = temporaryFolder();

  await belay(["backup", "--db", join(folder, "belay.db"), "--to", join(backups, "copy.db")]);

  expect(readdirSync(backups)).toEqual(["copy.db"]);
  expect(statSync(join(backups, "copy.db")).mode & 0o777).toBe(0o600);
});

it("leaves a file alone that is there already", async () => {
  const folder = temporaryFolder();
  await belay(["migrate", "--db", join(folder, "belay.db")]);
  writeFileSync(join(folder, "copy.db"), "of yesterday");

  const { exitCode, stderr } = await belay([
    "backup",
    "--db",
    join(folder, "belay.db"),
    "--to",
    join(folder, "copy.db"),
  ]);

  expect({ exitCode, stderr: stderr.replaceAll(folder, "") }).toEqual({
    exitCode: 2,
    stderr: "belay: /copy.db is there already: give another name\n",
  });
});

it("makes no copy of a database that is not whole", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "belay.db");
  await belay(["migrate", "--db", path]);
  const database = new BetterSqlite3(path);
  database.pragma("wal_checkpoint(truncate)");
  database.close();
  truncateSync(path, 40_000);

  const { exitCode, stderr } = await belay(["backup", "--db", path, "--to", join(folder, "copy.db")]);

  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^belay: can't back up .*malformed\n$/);
  expect(readdirSync(folder).filter((name) => name.startsWith("copy"))).toEqual([]);
});

it("makes no copy of a file that is no database of Belay", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "other.db");
  const database = new BetterSqlite3(path);
  database.exec("create table note (text)");
  database.close();

  const { exitCode, stderr } = await belay(["backup", "--db", path, "--to", join(folder, "copy.db")]);

  expect(exitCode).toBe(2);
  expect(stderr).toContain("no such table: execution");
  expect(existsSync(join(folder, "copy.db"))).toBe(false);
});

it.each([
  [["--to", "copy.db"], "required option '--db <path>' not specified"],
  [["--db", "belay.db"], "required option '--to <file>' not specified"],
  [["--db", "/nowhere/belay.db", "--to", "copy.db"], "There is no directory /nowhere"],
  [["--db", "no-such.db", "--to", "copy.db"], "there is no database no-such.db"],
])("refuses %j", async (args, complaint) => {
  const { exitCode, stderr } = await belay(["backup", ...args]);

  expect(exitCode).toBe(2);
  expect(stderr).toContain(complaint);
});
