import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { belay, startServer, temporaryFolder } from "./belay_command.ts";
import { api, heldProcess, instanceWithListener, pendingProcess } from "./fixtures.ts";

it("finds nothing beside a server that works, and says what it looked at", async () => {
  const folder = temporaryFolder();
  const server = await startServer(folder);
  const client = api(server.address);
  onTestFinished(() => client.close());
  const { id } = await heldProcess(client);
  await client.cancellations.cancelProcess({ processId: id, reason: "wrong", requestedBy: { system: "test" } });
  const listening = await instanceWithListener(client);
  // It answers when the listener is done, which nobody works on.
  const waiting = client.cancellations.cancelProcessInstance({ processInstanceKey: listening }, { timeoutMs: 500 });
  await expect(waiting).rejects.toThrow();

  const { exitCode, stdout, stderr } = await belay(["doctor", "--db", join(folder, "belay.sqlite")]);

  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("ok     executions: 2, ");
  expect(stdout).toContain("ok     cancellations: 2, ");
  expect(stdout).toContain("a server has the database open\n");
  await server.stop();
});

it("names what does not fit, for people and for programs, with an exit code of its own", async () => {
  const folder = temporaryFolder();
  const db = join(folder, "belay.sqlite");
  const server = await startServer(folder);
  const client = api(server.address);
  onTestFinished(() => client.close());
  const id = await pendingProcess(client);
  await server.stop();
  const database = new BetterSqlite3(db);
  database.exec("update execution set live = 0");
  database.close();

  const text = await belay(["doctor", "--db", db]);
  const json = await belay(["doctor", "--db", db, "--json"]);

  const what = "column live is 0 and should be 1";
  expect(text).toMatchObject({ exitCode: 11, stderr: "belay: 1 finding\n" });
  expect(text.stdout).toContain(`\n  process '${id}' of tenant default: ${what}\n`);
  expect(text.stdout).toContain("no server has the database open");
  expect(json.exitCode).toBe(11);
  const { sound, served, checks } = JSON.parse(json.stdout);
  expect({ sound, served }).toEqual({ sound: false, served: false });
  expect(checks).toContainEqual(
    expect.objectContaining({
      name: "executions",
      looked: 1,
      found: 1,
      findings: [{ where: `process '${id}' of tenant default`, what }],
    }),
  );
});

it("shows no more findings of one sort than anybody reads, and how many there are", async () => {
  const folder = temporaryFolder();
  const db = join(folder, "belay.sqlite");
  const server = await startServer(folder);
  const client = api(server.address);
  onTestFinished(() => client.close());
  await Promise.all(Array.from({ length: 130 }, () => pendingProcess(client)));
  await server.stop();
  const database = new BetterSqlite3(db);
  database.exec("update execution set live = 0");
  database.close();

  const { stdout, stderr } = await belay(["doctor", "--db", db]);

  expect(stdout).toContain("\n  and 30 more\n");
  expect(stderr).toBe("belay: 130 findings\n");
});

it("finds what SQLite itself finds", async () => {
  const folder = temporaryFolder();
  const db = join(folder, "belay.db");
  await belay(["migrate", "--db", db]);
  const database = new BetterSqlite3(db);
  database.unsafeMode(true);
  database.pragma("writable_schema = on");
  // An index that the table's rows are missing from.
  const secret = "insert into secret (name, value) values ('a', 'b')";
  database.exec(`${secret}; create index broken on secret (value)`);
  database.exec(
    "update sqlite_schema set rootpage = (select rootpage from sqlite_schema where name = 'label_by_execution') where name = 'broken'",
  );
  database.close();

  const { exitCode, stdout } = await belay(["doctor", "--db", db]);

  expect(exitCode).toBe(11);
  expect(stdout).toMatch(/FOUND {2}file: /);
});

it("looks at PostgreSQL, too", async () => {
  const url = await (await sharedCluster()).createDatabase();
  const before = await belay(["doctor", "--database-url", url]);
  await belay(["migrate", "--database-url", url]);

  const { exitCode, stdout } = await belay(["doctor"], { BELAY_DATABASE_URL: url });

  expect(before).toMatchObject({ exitCode: 2, stdout: "" });
  expect(before.stderr).toContain("it has yet to be migrated (belay migrate): 0001_first_tables");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("ok     audit logs: 0");
  expect(stdout).toContain("no server has the database open");
});

it("refuses a database that is not there", async () => {
  const { exitCode, stderr } = await belay(["doctor", "--db", "no-such.db"]);

  expect(exitCode).toBe(2);
  expect(stderr).toContain("there is no database no-such.db: give the path that the server has as its --db");
});
