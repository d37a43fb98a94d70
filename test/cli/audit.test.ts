import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { FIRST_TENANT } from "../../src/store/pruning.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import { belay, temporaryFolder } from "./belay_command.ts";

/** A database whose audit log has one event for each of `descriptions`: a key was made. */
async function databaseWithKeys(...descriptions: readonly string[]): Promise<string> {
  const db = join(temporaryFolder(), "belay.db");
  for (const description of descriptions) {
    await belay(["keys", "create", "--db", db, "--scope", "admin", "--description", description]);
  }
  return db;
}

/** What whoever may write to the file can do, past everything that Belay would refuse. */
function tamper(db: string, ...statements: readonly string[]): void {
  const database = new BetterSqlite3(db);
  for (const trigger of ["audit_event_stays", "audit_event_goes_oldest_first"])
    database.exec(`drop trigger ${trigger}`);
  for (const statement of statements) database.exec(statement);
  database.close();
}

/** What a server does with events that it need not keep any longer: all but the last. */
async function removeOldAudit(db: string): Promise<void> {
  const store = await openSqliteStore(db);
  const now = Date.now() + 1;
  await store.pruning.removeAuditEvents(now, FIRST_TENANT, now);
  await store.close();
}

describe("belay audit, used wrongly", () => {
  it.each([
    { args: ["--execution", "p-1"], says: "It must be kind/id" },
    { args: ["--since", "yesterday"], says: "It must be a span such as 90s" },
    { args: ["--follow", "--db", "belay.db"], says: "--follow is only for a server" },
    { args: ["verify", "--expect", "17"], says: "It must be a number, a colon and 64 hex digits" },
    { args: ["verify", "--db", "/tmp/no-such.db"], says: "there is no database /tmp/no-such.db" },
  ])("refuses $args", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await belay(["audit", ...args]);

    expect(stderr).toMatch(/^belay: .*\n$/);
    expect(stderr).toContain(says);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });
});

describe("belay audit", () => {
  it("shows who made which key, oldest first, as lines and as JSON", async () => {
    const db = await databaseWithKeys("one", "two");

    const lines = await belay(["audit", "--db", db]);
    const json = await belay(["audit", "--db", db, "--json"]);

    expect(lines.stdout).toMatch(/^ +#1 .* CreateKey: applied, by .*\n +#2 .* CreateKey: applied, by .*\n$/);
    const events = json.stdout.trim().split("\n");
    expect(events.map((line) => JSON.parse(line).number)).toEqual(["1", "2"]);
  });

  it("says so when nothing fits the filters", async () => {
    const db = await databaseWithKeys("one");

    const refused = await belay(["audit", "--db", db, "--refused"]);
    const later = await belay(["audit", "--db", db, "--since", "2999-01-01T00:00:00Z"]);

    for (const ran of [refused, later]) {
      expect(ran).toEqual({ exitCode: 0, stdout: "", stderr: "belay: no audit events found\n" });
    }
  });
});

describe("belay audit verify", () => {
  it("counts the events of a log as it was written, and gives its head to keep", async () => {
    const db = await databaseWithKeys("one", "two");

    const { exitCode, stdout } = await belay(["audit", "verify", "--db", db]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^the log fits: 2 events, 1 to 2\nhead 2:[0-9a-f]{64}\n$/);
  });

  it("knows a head of before again, in a log that has grown", async () => {
    const db = await databaseWithKeys("one");
    const { head } = JSON.parse((await belay(["audit", "verify", "--db", db, "--json"])).stdout);
    await belay(["keys", "create", "--db", db, "--scope", "worker", "--description", "two"]);

    const { exitCode, stdout } = await belay(["audit", "verify", "--db", db, "--expect", head, "--json"]);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ fits: true, events: 2, first: "1" });
  });

  it.each([
    {
      what: "an event was changed",
      statement: "update audit_event set name = 'somebody else' where number = 2",
      says: "at event 2: its hash is not that of its content",
    },
    {
      what: "an event was removed",
      statement: "delete from audit_event where number = 2",
      says: "at event 3: there is a gap",
    },
  ])("ends with 10 where $what, and says which", async ({ statement, says }) => {
    const db = await databaseWithKeys("one", "two", "three");
    tamper(db, statement);

    const { exitCode, stdout, stderr } = await belay(["audit", "verify", "--db", db]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: "" });
    expect(stderr).toContain(`belay: the audit log does not fit ${says}`);
  });

  it("finds out by a head of before that the end was cut off", async () => {
    const db = await databaseWithKeys("one", "two");
    const { head } = JSON.parse((await belay(["audit", "verify", "--db", db, "--json"])).stdout);
    tamper(db, "delete from audit_event where number = 2");

    const alone = await belay(["audit", "verify", "--db", db]);
    const { exitCode, stderr } = await belay(["audit", "verify", "--db", db, "--expect", head]);

    expect(alone.exitCode).toBe(0);
    expect(exitCode).toBe(10);
    expect(stderr).toContain("it was there once and is not there any more: the log ends with event 1");
  });

  it("finds out that the beginning was cut off", async () => {
    const db = await databaseWithKeys("one", "two");
    tamper(db, "delete from audit_event where number = 1");

    const { exitCode, stderr } = await belay(["audit", "verify", "--db", db]);

    expect(exitCode).toBe(10);
    expect(stderr).toContain(
      "does not fit at event 2: what was before it is not there, and was not removed because of its age",
    );
  });

  it("says that the beginning was removed because of its age, which is no fault", async () => {
    const db = await databaseWithKeys("one", "two");
    await removeOldAudit(db);

    const { exitCode, stdout } = await belay(["audit", "verify", "--db", db]);

    expect(exitCode).toBe(0);
    expect(stdout).toContain("it begins with event 2: what was before has been removed because of its age, last on ");
  });
});
