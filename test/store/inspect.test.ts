import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import fc from "fast-check";
import { Kysely, SqliteDialect, sql } from "kysely";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey, ExecutionSpec } from "../../src/domain/execution.ts";
import { inspectDatabase } from "../../src/store/inspection/inspect.ts";
import type { DatabasePlace } from "../../src/store/inspection/open.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { FIRST_TENANT } from "../../src/store/pruning.ts";
import type { Schema } from "../../src/store/schema.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Applied, Envelope, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { connectPostgres } from "./databases.ts";

interface Opened {
  readonly place: DatabasePlace;
  readonly store: Store;
  /** Looks into the database beside the store, and breaks what the database would not let be broken. */
  readonly db: Kysely<Schema>;
  close(): Promise<void>;
}

async function openSqlite(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  const path = join(folder, "belay.db");
  const store = await openSqliteStore(path);
  const file = new BetterSqlite3(path);
  file.pragma("foreign_keys = off");
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) });
  const close = async () => {
    await db.destroy();
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { place: { type: "sqlite", path }, store, db, close };
}

async function openPostgres(): Promise<Opened> {
  const url = await (await sharedCluster()).createDatabase();
  const store = await openPostgresStore({ url, logger: pino({ level: "silent" }), decidingClock: "caller" });
  // Neither foreign keys nor triggers count for these connections.
  const db = connectPostgres(`${url}?options=-c%20session_replication_role%3Dreplica`);
  const close = async () => {
    await db.destroy();
    await store.close();
  };
  return { place: { type: "postgres", url }, store, db, close };
}

const DATABASES = [
  { name: "SQLite", open: openSqlite },
  { name: "PostgreSQL", open: openPostgres },
] as const;

let opened: Opened;

const NOW = Date.now();
const key = (id: string, kind: ExecutionKey["kind"] = "process"): ExecutionKey => ({ tenant: "default", kind, id });
const CLAIM = { workerId: "w-1", leaseDuration: 15_000 };

function registerOf(change: Partial<ExecutionSpec>, claim: typeof CLAIM | null): Command {
  return { type: "register", spec: specWith(change), queueItems: [{ id: "q-1", state: "executing" }], claim };
}

function envelope(owner: ExecutionKey, command: Command): Envelope {
  const audit = { action: "CancelProcess", principal: "key:1", name: "ops", address: "192.0.2.7", requestId: "r-1" };
  const idempotency = { principal: "key:1", method: command.type, commandId: `c-${owner.id}`, fingerprint: "f-1" };
  return { key: owner, command, idempotency, effectId: null, audit };
}

/** Work in every stage of its life. */
async function fill(store: Store): Promise<void> {
  const register = (id: string, change: Partial<ExecutionSpec> = {}, claim: typeof CLAIM | null = CLAIM) =>
    envelope(key(id), registerOf(change, claim));
  const cancel = (id: string) => envelope(key(id), cancelWith({ cancellationId: `cancellation-${id}` }));
  await store.apply(
    [
      register("running", { labels: { team: "blue", app: "shop" } }),
      register("child", { parent: { kind: "process", id: "running" } }, null),
      register("stopping"),
      register("listening", { listeners: [{ type: "cleanup", retries: 3 }] }, null),
      register("done", {}, null),
      envelope(key("1", "process_instance"), registerOf({}, null)),
    ],
    NOW,
  );
  await store.apply(
    [
      envelope(key("done"), { type: "complete", token: 0, result: { rows: 3 }, outcomeId: null }),
      cancel("stopping"),
      cancel("listening"),
      cancel("unknown"),
    ],
    NOW,
  );
  const batch = { tenant: "default", key: "b-1", principal: "key:1", operationReference: null };
  await store.batchOperations.create(batch, { conditions: [], tags: [], anyOf: [] }, null, NOW, null);
}

/** What was found, one line each: "check: where: what". */
async function findings(): Promise<string[]> {
  const { checks } = await inspectDatabase(opened.place);
  return checks.flatMap((check) => check.findings.map(({ where, what }) => `${check.name}: ${where}: ${what}`));
}

/** What each breaks, and the line that names it. */
const BROKEN: readonly (readonly [statement: string, line: RegExp])[] = [
  [
    "update execution set cancellation_outcome = 'cancelled' where id = 'stopping'",
    /^executions: process 'stopping' of tenant default: column cancellation_outcome is "cancelled" and should be "pending"/,
  ],
  [
    "update execution set live = 0 where id = 'running'",
    /^executions: process 'running' .*column live is 0 and should be 1/,
  ],
  [
    "update execution set cancellation_json = '{' where id = 'stopping'",
    /^executions: process 'stopping'.*its JSON can't be read/,
  ],
  ["delete from label where name = 'team'", /^executions: process 'running'.*its labels are not those/],
  [
    "update execution set parent_rid = null where id = 'child'",
    /^executions: process 'child'.*its parent is not the one/,
  ],
  [
    "update execution set ended_at = null where id = 'done'",
    /^executions: process 'done'.*it is completed and has no end/,
  ],
  [
    "delete from effect where execution_rid = (select rid from execution where id = 'stopping')",
    /^cancellations: process 'stopping'.*nothing is owed for it, and it does not say what it waits for/,
  ],
  [
    "delete from effect where execution_rid = (select rid from execution where id = 'running')",
    /^leases: process 'running'.*nothing will notice the end of its lease/,
  ],
  ["update execution set token = 7 where id = 'running'", /^leases: process 'running'.*token 1 in place of 7/],
  ["delete from listener_job", /^listener jobs: process 'listening'.*no worker is offered its listener job cleanup/],
  [
    "update listener_job set type = 'other'",
    /^listener jobs: process 'listening'.*workers are offered its listener job cleanup as/,
  ],
  [
    "insert into listener_job (execution_rid, tenant, type, available_at) select rid, tenant, 'x', 1 from execution where id = 'done'",
    /^listener jobs: process 'done'.*a listener job that it does not have/,
  ],
  [
    "update event set execution_rid = 999 where sequence = 1",
    /^orphans: table event: there is an event of execution number 999/,
  ],
  [
    "update effect set execution_rid = 999 where id = 1",
    /^orphans: table effect: there is an effect of execution number 999/,
  ],
  [
    "update work_item set execution_rid = 999 where execution_rid = 1",
    /^orphans: table work_item: there is a queue item/,
  ],
  ["update listener_job set execution_rid = 999", /^orphans: table listener_job: there is a listener job/],
  ["update command set execution_rid = 999 where command_id = 'c-done'", /^orphans: table command: there is a command/],
  [
    "update batch_item set execution_rid = 999",
    /^orphans: table batch_item: there is an item of a batch operation of execution/,
  ],
  ["update batch_item set batch_rid = 999", /^orphans: table batch_item: .* of batch operation number 999/],
  [
    "update batch_operation set state = 'completed'",
    /^batch operations: batch operation b-1 .*it is completed and has no end/,
  ],
  ["update batch_operation set state = 'cancelled', ended_at = 1", /it is cancelled and has 1 pending items/],
  ["update batch_item set state = 'completed'", /its item 1 is completed, and the cancellation of it has not ended/],
];

const AUDIT_BROKEN: readonly (readonly [statement: string, line: RegExp])[] = [
  [
    "update audit_event set reason = 'another' where number = 2",
    /^audit logs: event 2 .*its hash is not that of its content/,
  ],
  ["delete from audit_event where number = 2", /^audit logs: event 3 .*those between them are gone/],
  [
    "delete from audit_event where number = 1",
    /^audit logs: event 2 .*it is the first one, and retention has removed none/,
  ],
  [
    "update audit_event set previous_hash = 'x' where number = 3",
    /^audit logs: event 3 .*not the hash of the event before/,
  ],
];

describe.each(DATABASES)("over $name", ({ name, open }) => {
  beforeEach(async () => {
    opened = await open();
    await fill(opened.store);
  });
  afterEach(() => opened.close());

  it("a database as the store leaves it is sound", async () => {
    const { checks, isServed } = await inspectDatabase(opened.place);

    expect(checks.flatMap((check) => check.findings)).toEqual([]);
    expect(isServed).toBe(true);
    const looked = Object.fromEntries(checks.map((check) => [check.name, check.looked]));
    expect(looked).toMatchObject({
      executions: 6,
      cancellations: 2,
      leases: 2,
      "listener jobs": 1,
      "batch operations": 1,
    });
    expect(looked["audit logs"]).toBeGreaterThan(2);
  });

  it("is sound after any history of an execution", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(8), { maxLength: 12 }), async (steps) => {
        runs += 1;
        await live(opened.store, key(`p-${runs}`), steps);
      }),
      { numRuns: 60 },
    );

    expect(await findings()).toEqual([]);
  });

  it.each(BROKEN)("names what does not fit after: %s", async (statement, line) => {
    await opened.db.executeQuery(sql.raw(statement).compile(opened.db));

    expect(await findings()).toContainEqual(expect.stringMatching(line));
  });

  it.each(AUDIT_BROKEN)("names what was done to the audit log: %s", async (statement, line) => {
    if (name === "SQLite") {
      await sql`drop trigger audit_event_stays`.execute(opened.db);
      await sql`drop trigger audit_event_goes_oldest_first`.execute(opened.db);
    }
    await opened.db.executeQuery(sql.raw(statement).compile(opened.db));

    expect(await findings()).toEqual([expect.stringMatching(line)]);
  });

  it("tells what retention removed from what somebody cut off", async () => {
    await opened.store.pruning.removeAuditEvents(NOW + 1, FIRST_TENANT, NOW);
    expect(await findings()).toEqual([]);

    await sql`delete from audit_anchor`.execute(opened.db);

    expect(await findings()).toEqual([expect.stringMatching(/it is the first one, and retention has removed none/)]);
  });

  it("names what is owed and not carried out", async () => {
    await opened.db
      .updateTable("effect")
      .set({ due_at: NOW - 90_000 })
      .execute();

    expect(await findings()).toContainEqual(
      expect.stringMatching(
        /^effects: process 'running' of tenant default: its effect lease_timer is overdue by \d+ s/,
      ),
    );
  });
});

/** Does these things to one execution, each if it can be done as things stand. */
async function live(store: Store, owner: ExecutionKey, steps: readonly number[]): Promise<void> {
  const send = async (command: Command): Promise<Applied["execution"]> => {
    now += 1_000;
    const [applied] = await store.apply([{ key: owner, command, idempotency: null, effectId: null, audit: null }], now);
    // What is due at once is carried out.
    for (const { id, effect } of applied?.effects ?? []) if (effect.type === "request_stop") await store.dropEffect(id);
    return applied?.execution ?? null;
  };
  let now = NOW;
  let execution = await send(registerOf({ listeners: [{ type: "cleanup", retries: 1 }] }, null));
  for (const step of steps) {
    const { cancellation, token, lease } = execution ?? {};
    const cancellationId = cancellation?.id ?? "none";
    const jobKey = cancellation?.listenerJob?.key ?? "none";
    const activation = cancellation?.listenerJob?.activation ?? 0;
    const commands: readonly Command[] = [
      { type: "start", claim: CLAIM },
      cancelWith({ cancellationId: `${owner.id} ${now}`, strategy: "soft" }),
      cancelWith({ cancellationId: `${owner.id} ${now}` }),
      { type: "report_stopped", token: lease?.token ?? 0, evidence: "" },
      { type: "complete", token: token ?? 0, result: null, outcomeId: null },
      { type: "signal_failed", cancellationId, signal: "stop", permanent: true, message: "no" },
      { type: "activate_listener_job", jobKey, workerId: "w-2", lock: 1_000 },
      { type: "fail_listener_job", jobKey, activation, retries: null, message: "no", backoff: 0 },
      { type: "complete_listener_job", jobKey, activation },
    ];
    const command = commands[step];
    if (command !== undefined) execution = await send(command);
  }
}
