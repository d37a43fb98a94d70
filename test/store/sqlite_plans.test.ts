/** How SQLite finds what is asked for, whatever the size of its tables: through an index, and never by reading them whole. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it, type MockInstance, vi } from "vitest";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { ProcessInstanceFilter } from "../../src/store/process_instance_search.ts";
import { FIRST_PLACE, FIRST_TENANT } from "../../src/store/pruning.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";
import { ALL_PROCESSES } from "./filters.ts";

/** The tables that grow with the work. */
const GROWING = /\b(execution|event|effect|command|label|work_item|listener_job|batch_item|audit_event)\b/;

/** What the store does all the time is prepared when it opens; what it does in other ways is asked for here. */
let prepared: string[];
let store: Store;
let database: Database;
let folder: string;
let spy: MockInstance<Database["prepare"]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-plans-"));
  const path = join(folder, "belay.db");
  await (await openSqliteStore(path)).close();
  database = new BetterSqlite3(path);
  spy = vi.spyOn(BetterSqlite3.prototype, "prepare");
  store = await openSqliteStore(path);
  prepared = asked();
  // So that whatever depends on an execution, or a page that begins after one, is asked for too.
  await store.apply(
    [KEY, CHILD].map((key) => ({
      key,
      command: {
        type: "register",
        spec: specWith({ workflowId: "w-1", detail: { processDefinitionId: "orders" } }),
        queueItems: [],
        claim: null,
      },
      idempotency: null,
      effectId: null,
      audit: null,
    })),
    1_000,
  );
});
afterAll(async () => {
  spy.mockRestore();
  await store.close();
  database.close();
  await rm(folder, { recursive: true });
});

/** The statements that were prepared since this was called last. */
function asked(): string[] {
  const texts = spy.mock.calls.map(([text]) => text);
  spy.mockClear();
  return [...new Set(texts)].filter((text) => /^\s*(select|with|insert|update|delete)/i.test(text));
}

/** The steps of the plans that read a growing table from end to end. */
function wholeReadsOf(statements: readonly string[]): string[] {
  return statements
    .filter((text) => GROWING.test(text) && !asksForFirstRow(text))
    .flatMap((text) => {
      const explain = database.prepare<unknown[], { detail: string }>(`explain query plan ${text}`);
      const values = Array.from({ length: (text.match(/\?/g) ?? []).length }, () => null);
      return explain
        .all(...values)
        .map(({ detail }) => detail)
        .filter(isWholeRead)
        .map((detail) => `${detail}: ${text}`);
    });
}

/** Tables that stay small, and parts of a query that were found before and are few. */
const SMALL = /^SCAN (\d+ CONSTANT ROWS|CONSTANT ROW|\d+-ROW VALUES CLAUSE|batch_operation|next|open|matching)\b/;

/** Indexes over nothing but what is under way. */
const UNDER_WAY = /USING (COVERING )?INDEX (batch_item_active)$/;

function isWholeRead(detail: string): boolean {
  return detail.startsWith("SCAN ") && !SMALL.test(detail) && !UNDER_WAY.test(detail);
}

/** The first row of an order that an index has: nothing is read but that. */
function asksForFirstRow(text: string): boolean {
  return / limit 1$/.test(text) && !/ where /.test(text);
}

const KEY: ExecutionKey = { tenant: "acme", kind: "process_instance", id: "1" };
const CHILD: ExecutionKey = { ...KEY, id: "2" };
const COMMAND = { principal: "p", method: "Cancel", commandId: "c", fingerprint: "f" };
const PAGE = { size: 50, token: "" };
const CANCELLATIONS = {
  kind: null,
  execution: null,
  outcome: null,
  overdueOnly: false,
  requestedAfter: null,
  requestedBefore: null,
} as const;
const EVERYTHING: ProcessInstanceFilter = { conditions: [], tags: [], anyOf: [] };
const BATCH = { tenant: "acme", key: "b", principal: "p", operationReference: null };

const QUESTIONS: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
  ["an execution", ({ findExecution }) => findExecution(KEY)],
  ["a cancellation", ({ findCancellation }) => findCancellation("acme", "c-1")],
  ["a kept answer", ({ findAnswer }) => findAnswer(KEY, COMMAND)],
  [
    "the events of an execution",
    ({ listEvents }) =>
      listEvents({ key: KEY, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 100 }),
  ],
  [
    "the events of a cancellation",
    ({ listEvents }) => listEvents({ key: KEY, cancellationId: "c-1", afterSequence: 0, upToSequence: 9, limit: 100 }),
  ],
  ["the latest events of many executions", ({ lastSequences }) => lastSequences([KEY, CHILD])],
  ["the latest event", ({ lastSequence }) => lastSequence()],
  ["what a worker holds", ({ listHeldBy }) => listHeldBy("acme", "w-1")],
  ["open listener jobs", ({ listOpenListenerJobs }) => listOpenListenerJobs("acme", ["a", "b"], 1_000, 10)],
  ["when the next listener job can be taken", ({ nextListenerJobAt }) => nextListenerJobAt("acme", ["a"])],
  ["the live children of an execution", ({ listLiveChildren }) => listLiveChildren(KEY, CHILD, 100)],
  ["a page of executions", ({ listExecutions }) => listExecutions("acme", ALL_PROCESSES, PAGE)],
  [
    "a page of running ones",
    ({ listExecutions }) => listExecutions("acme", { ...ALL_PROCESSES, states: ["running"] }, PAGE),
  ],
  ["a page of children", ({ listExecutions }) => listExecutions("acme", { ...ALL_PROCESSES, parent: KEY }, PAGE)],
  [
    "a page by label",
    ({ listExecutions }) => listExecutions("acme", { ...ALL_PROCESSES, labels: { team: "a" } }, PAGE),
  ],
  [
    "a page of a workflow",
    ({ listExecutions }) => listExecutions("acme", { ...ALL_PROCESSES, workflowId: "w-1" }, PAGE),
  ],
  ["a page of cancellations", ({ listCancellations }) => listCancellations("acme", CANCELLATIONS, PAGE)],
  [
    "a page of those that are overdue",
    ({ listCancellations }) => listCancellations("acme", { ...CANCELLATIONS, overdueOnly: true }, PAGE),
  ],
  [
    "the cancellations of an execution",
    ({ listCancellations }) => listCancellations("acme", { ...CANCELLATIONS, execution: KEY }, PAGE),
  ],
  [
    "a window",
    ({ listWindow }) =>
      listWindow("acme", "process_instance", {
        order: "newest_first",
        size: 50,
        cursor: { side: "after", id: "1" },
      }),
  ],
  ["a numbered page", (own) => own.listInstancesOfWorkflow("acme", "w-1", { size: 20, number: 1 })],
  [
    "a search",
    ({ searchProcessInstances }) =>
      searchProcessInstances("acme", { filter: EVERYTHING, order: [], place: { from: 0 }, limit: 50 }),
  ],
  ["effects that are due", ({ claimEffects }) => claimEffects(500, 1_000, 100)],
  ["effects that are put off", ({ returnEffects }) => returnEffects([1, 2, 3], 1_000)],
  ["an effect that is postponed", ({ postponeEffect }) => postponeEffect(1, 1_000, 1)],
  ["an effect that is done", ({ dropEffect }) => dropEffect(1)],
  ["when the next effect is due", ({ nextEffectAt }) => nextEffectAt()],
  ["old commands", ({ forgetCommands }) => forgetCommands(100, null, 50)],
  ["a batch operation", ({ batchOperations }) => batchOperations.find("acme", "b")],
  ["a new batch operation", ({ batchOperations }) => batchOperations.create(BATCH, EVERYTHING, COMMAND, 1_000, null)],
  [
    "a batch operation by a list of ids",
    ({ batchOperations }) =>
      batchOperations.create(
        { ...BATCH, key: "by-id" },
        { ...EVERYTHING, conditions: [{ field: "key", operator: "in", values: ["1", "2"] }] },
        null,
        1_000,
        null,
      ),
  ],
  [
    "the items of a batch operation",
    ({ batchOperations }) =>
      batchOperations.listItems(
        "acme",
        { batchKeys: ["b"], executionIds: null, states: ["failed"] },
        { from: 0, limit: 50 },
      ),
  ],
  ["the next items", ({ batchOperations }) => batchOperations.cancelNext(["c-2"], 2_000)],
  ["items whose cancellations have ended", ({ batchOperations }) => batchOperations.listEnded(100)],
  ["whether an item is active", ({ batchOperations }) => batchOperations.hasActive()],
  ["what an older Belay took", ({ batchOperations }) => batchOperations.release(2_000)],
  [
    "a page of the audit log",
    ({ audit }) =>
      audit.list("acme", { execution: null, principal: "", from: null, to: null, refusedOnly: false }, 0, 100),
  ],
  ["executions that can go", ({ pruning }) => pruning.removeExecutions(100, FIRST_PLACE)],
  ["batch operations that can go", ({ pruning }) => pruning.removeBatchOperations(100, FIRST_PLACE)],
  ["audit events that can go", ({ pruning }) => pruning.removeAuditEvents(100, FIRST_TENANT, 2_000)],
];

describe("without reading a table that grows from end to end", () => {
  it("a store opens, and does what it does all the time", () => {
    expect(prepared.length).toBeGreaterThan(20);
    expect(wholeReadsOf(prepared)).toEqual([]);
  });

  it.each(QUESTIONS)("%s", async (_, question) => {
    asked();

    await question(store);

    expect(wholeReadsOf(asked())).toEqual([]);
  });
});
