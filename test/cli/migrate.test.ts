import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { belay, startServer } from "./belay_command.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-cli-"));
  path = join(folder, "belay.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const DATABASES = [
  { name: "SQLite", optionsOf: async () => ["--db", path] },
  { name: "PostgreSQL", optionsOf: async () => ["--database-url", await (await sharedCluster()).createDatabase()] },
] as const;

describe.each(DATABASES)("over $name", ({ optionsOf }) => {
  it("says what is to be done, does it, and then has nothing to do", async () => {
    const options = await optionsOf();

    const before = await belay(["migrate", "--check", ...options]);
    const done = await belay(["migrate", ...options]);
    const after = await belay(["migrate", "--check", ...options]);
    const again = await belay(["migrate", ...options]);

    expect(before).toMatchObject({ exitCode: 12, stdout: "" });
    expect(before.stderr).toMatch(/^belay: the database has yet to be migrated: 0001_first_tables, 0002.*\n$/);
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toMatch(/^the database is up to date now: 0001_first_tables, 0002.*\n$/);
    expect(after).toEqual({ exitCode: 0, stdout: "the database is up to date\n", stderr: "" });
    expect(again).toEqual(after);
  });
});

it("does what is missing to a database of an earlier version", async () => {
  await belay(["migrate", "--db", path]);
  const database = new BetterSqlite3(path);
  database.exec("delete from kysely_migration where name >= '0006'; drop table audit_anchor");
  database.exec("drop index label_by_execution; drop index effect_by_execution; drop index batch_item_by_execution");
  database.close();

  const { stdout } = await belay(["migrate", "--db", path]);

  expect(stdout).toBe("the database is up to date now: 0006_retention, 0007_short_rows\n");
});

it("leaves a database of a later version alone", async () => {
  await belay(["migrate", "--db", path]);
  const database = new BetterSqlite3(path);
  database.exec("insert into kysely_migration (name, timestamp) values ('9999_later', '2030-01-01')");
  database.close();

  for (const args of [[], ["--check"]]) {
    const { exitCode, stderr } = await belay(["migrate", "--db", path, ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("it is newer than this program, which does not know 9999_later: take a newer Belay");
  }
});

it("has nothing to do while a server has the file open, for that has done it", async () => {
  const server = await startServer(folder);

  const { exitCode, stdout } = await belay(["migrate", "--db", path]);

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "the database is up to date\n" });
  await server.stop();
});

it.each([
  [[], "give --db or --database-url"],
  [["--db", "a.db", "--database-url", "postgres://x/y"], "give either --db or --database-url"],
  [["--db", ":memory:"], "It must be the path of a file"],
  [
    ["--database-url", "postgres://belay:secret@127.0.0.1:1/belay"],
    "can't open the database postgres://belay@127.0.0.1:1",
  ],
])("refuses %j", async (args, complaint) => {
  const { exitCode, stderr } = await belay(["migrate", ...args]);

  expect(exitCode).toBe(2);
  expect(stderr).toContain(complaint);
  expect(stderr).not.toContain("secret");
});
