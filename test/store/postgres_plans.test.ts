/** How PostgreSQL finds what is asked for all the time, in tables that have grown: through an index, and never by reading them whole. */
import { type CompiledQuery, Kysely, PostgresDialect, sql } from "kysely";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { forgetCommands } from "../../src/store/forget_commands.ts";
import { listAuditEvents } from "../../src/store/list_audit_events.ts";
import { listInstancesOfWorkflow } from "../../src/store/numbered_pages.ts";
import { createPostgresBatchOperations } from "../../src/store/postgres/batch_operations.ts";
import { createPostgresEffects } from "../../src/store/postgres/effects.ts";
import { loadBatch } from "../../src/store/postgres/load.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import * as reads from "../../src/store/reads.ts";
import { findAnswer } from "../../src/store/record_answer.ts";
import type { Schema } from "../../src/store/schema.ts";
import type { Envelope } from "../../src/store/store.ts";
import { listWindow } from "../../src/store/windows.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { ALL_PROCESSES } from "./filters.ts";

const ROWS = 100_000;

let db: Kysely<Schema>;
let asked: CompiledQuery[];

beforeAll(async () => {
  const url = await (await sharedCluster()).createDatabase();
  await (await openPostgresStore({ url, logger: pino({ level: "silent" }) })).close();
  const pool = createPool({ url, size: 2, statementTimeout: 0 }, () => undefined);
  db = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool }),
    log: ({ level, query }) => {
      if (level === "query") asked.push(query);
    },
  });
  asked = [];
  await fill();
}, 60_000);
afterAll(() => db.destroy());

/** As after some weeks: most executions have ended, few are cancelling, effects wait for their time. */
async function fill(): Promise<void> {
  const spec = JSON.stringify(specWith());
  const executionJson = JSON.stringify({ key: { tenant: "acme", kind: "process", id: "p" } });
  await sql`
    insert into execution (
      tenant, kind, id, state, live, spec_json, token, worker_id, has_queue_items, created_at, parent_rid, workflow_id,
      cancellation_id, cancellation_json, cancellation_requested_at, cancellation_outcome, cancellation_overdue
    )
    select
      'acme', (array['process', 'process_instance', 'workflow_instance'])[1 + n % 3], n::text,
      case when n % 50 = 0 then 'running' else 'completed' end, case when n % 50 = 0 then 1 else 0 end,
      ${spec}, 1, 'w-' || n % 1000, 0, n, case when n > 1000 and n % 10 = 0 then n / 100 end,
      case when n % 3 = 2 then 'w-' || n % 500 end,
      case when n % 20 = 0 then 'c-' || n end, case when n % 20 = 0 then '{}' end,
      case when n % 20 = 0 then n end, case when n % 20 = 0 then 'cancelled' end, case when n % 20 = 0 then 0 end
    from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into event (execution_rid, type, at, attributes_json)
    select 1 + n % ${ROWS}::int, 'registered', n, '{}' from generate_series(1, ${3 * ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into effect (execution_rid, due_at, claimed, attempts, effect_json)
    select n, n * 10, 0, 0, '{}' from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into label (name, value, execution_rid)
    select 'team', 't-' || n % 1000, n from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into listener_job (execution_rid, tenant, type, available_at)
    select n, 'acme', 'type-' || n % 100, n from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into command (
      execution_rid, principal, method, command_id, fingerprint, disposition, answered, execution_json, last_sequence, created_at, minted_in
    )
    select n, 'p', 'Cancel', 'c', 'f', 'applied', 1, ${executionJson}, n, n, case when n % 2 = 0 then 'acme-' || n end
    from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into audit_event (
      tenant, number, at, action, principal, name, address, requested_by, reason, outcome, message, cancellation_id, request_id, count,
      previous_hash, hash
    )
    select 'acme', n, n, 'A', 'p', 'n', 'a', '', '', 'applied', '', '', '', 1, '', '' from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into audit_anchor (tenant, number, hash, removed_at)
    select 'tenant-' || n, n, '', n from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`
    insert into batch_operation (tenant, key, state, principal, created_at, claimed_at, ended_at)
    select 'acme', n::text, 'completed', 'p', n, 0, n from generate_series(1, 1000) as series(n)
  `.execute(db);
  await sql`
    insert into batch_item (batch_rid, execution_rid, state)
    select 1 + n % 1000, n, case when n % 1000 = 0 then 'active' else 'completed' end from generate_series(1, ${ROWS}::int) as series(n)
  `.execute(db);
  await sql`vacuum analyze`.execute(db);
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Plan Rows": number;
  readonly Plans?: readonly Plan[];
}

/** Tables that `question` makes PostgreSQL read as a whole. */
async function wholeReadsOf(question: (own: Kysely<Schema>) => Promise<unknown>): Promise<string[]> {
  asked = [];
  await question(db);
  const queries = asked.filter(({ sql: text }) => /^(select|with|insert|update|delete)/i.test(text.trim()));
  expect(queries.length).toBeGreaterThan(0);
  const whole: string[] = [];
  for (const { sql: text, parameters } of queries) {
    const explain = { ...queries[0]!, sql: `explain (format json) ${text}`, parameters };
    const { rows } = await db.executeQuery<{ "QUERY PLAN": { Plan: Plan }[] }>(explain);
    whole.push(...seqScansOf(rows[0]!["QUERY PLAN"][0]!.Plan).map((table) => `${table}: ${text}`));
  }
  return whole;
}

function seqScansOf(plan: Plan): string[] {
  const below = (plan.Plans ?? []).flatMap(seqScansOf);
  return plan["Node Type"].endsWith("Seq Scan") ? [...below, plan["Relation Name"] ?? "?"] : below;
}

function keyOf(number: number): ExecutionKey {
  return {
    tenant: "acme",
    kind: (["process", "process_instance", "workflow_instance"] as const)[number % 3]!,
    id: String(number),
  };
}

function envelopes(count: number, command: Command, change: Partial<Envelope> = {}): Envelope[] {
  return Array.from({ length: count }, (_, index) => ({
    key: keyOf(1 + index * 150),
    command,
    idempotency: { principal: "p", method: "Cancel", commandId: "c", fingerprint: "f" },
    effectId: 1 + index * 150,
    audit: null,
    ...change,
  }));
}

function batchOperationsOf(own: Kysely<Schema>) {
  return createPostgresBatchOperations(own, { replica: "r", effectClaim: 1_000, faults: undefined, clock: "caller" });
}

const PAGE = { size: 50, token: "" };

const QUESTIONS: readonly (readonly [string, (own: Kysely<Schema>) => Promise<unknown>])[] = [
  ["a batch of one cancel", (own) => loadBatch(own, envelopes(1, cancelWith()))],
  ["a batch of 500 cancels", (own) => loadBatch(own, envelopes(500, cancelWith()))],
  [
    "a batch of 500 registrations under minted ids",
    (own) => {
      const idempotency = { principal: "p", method: "Cancel", commandId: "c", fingerprint: "f", isMinting: true };
      return loadBatch(
        own,
        envelopes(500, { type: "register", spec: specWith(), queueItems: [], claim: null }, { idempotency }),
      );
    },
  ],
  ["effects that are due", (own) => createPostgresEffects(own).claimEffects(500, 1_000, 100)],
  [
    "effects that are put off",
    (own) =>
      createPostgresEffects(own).returnEffects(
        Array.from({ length: 100 }, (_, id) => id),
        10,
      ),
  ],
  ["an effect that is postponed", (own) => createPostgresEffects(own).postponeEffect(7, 10, 1)],
  ["an effect that is done", (own) => createPostgresEffects(own).dropEffect(8)],
  ["when the next effect is due", (own) => reads.nextEffectAt(own)],
  ["an execution", (own) => reads.findExecution(own, keyOf(777))],
  ["a cancellation", (own) => reads.findCancellation(own, "acme", "c-2000")],
  [
    "the events of an execution",
    (own) =>
      reads.listEvents(own, {
        key: keyOf(777),
        cancellationId: null,
        afterSequence: 0,
        upToSequence: null,
        limit: 100,
      }),
  ],
  [
    "the latest events of many executions",
    (own) =>
      reads.lastSequences(
        own,
        Array.from({ length: 400 }, (_, n) => keyOf(n + 1)),
      ),
  ],
  ["the latest event", (own) => reads.lastSequence(own)],
  ["what a worker holds", (own) => reads.listHeldBy(own, "acme", "w-50")],
  ["open listener jobs", (own) => reads.listOpenListenerJobs(own, "acme", ["type-1", "type-2"], 50_000, 10)],
  ["when the next listener job can be taken", (own) => reads.nextListenerJobAt(own, "acme", ["type-1"])],
  ["the live children of an execution", (own) => reads.listLiveChildren(own, keyOf(500), null, 100)],
  ["a page of executions", (own) => reads.listExecutions(own, "acme", ALL_PROCESSES, PAGE)],
  [
    "a page of running executions",
    (own) => reads.listExecutions(own, "acme", { ...ALL_PROCESSES, states: ["running"] }, PAGE),
  ],
  ["a page of children", (own) => reads.listExecutions(own, "acme", { ...ALL_PROCESSES, parent: keyOf(500) }, PAGE)],
  [
    "a page of executions with a label",
    (own) => reads.listExecutions(own, "acme", { ...ALL_PROCESSES, labels: { team: "t-7" } }, PAGE),
  ],
  [
    "a page of cancellations",
    (own) =>
      reads.listCancellations(
        own,
        "acme",
        { kind: null, execution: null, outcome: null, overdueOnly: false, requestedAfter: null, requestedBefore: null },
        PAGE,
      ),
  ],
  [
    "a window",
    (own) =>
      listWindow(own, "acme", "process", { order: "newest_first", size: 50, cursor: { side: "after", id: "30000" } }),
  ],
  ["a numbered page", (own) => listInstancesOfWorkflow(own, "acme", "w-2", { size: 20, number: 1 })],
  [
    "a kept answer",
    (own) => findAnswer(own, keyOf(777), { principal: "p", method: "Cancel", commandId: "c", fingerprint: "f" }),
  ],
  ["old commands", (own) => forgetCommands(own, 100, null, 50)],
  ["items of batch operations that have ended", (own) => batchOperationsOf(own).listEnded(100)],
  ["whether an item is active", (own) => batchOperationsOf(own).hasActive()],
  ["the next items of a batch operation", (own) => batchOperationsOf(own).cancelNext(["c"], 1_000)],
  [
    "a page of the audit log",
    (own) =>
      listAuditEvents(
        own,
        "acme",
        { execution: null, principal: "", from: null, to: null, refusedOnly: false },
        50_000,
        100,
      ),
  ],
];

describe("among 100,000 executions", () => {
  it.each(QUESTIONS)("%s: through an index", async (_, question) => {
    expect(await wholeReadsOf(question)).toEqual([]);
  });
});
