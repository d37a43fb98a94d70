/** Both databases are given the same commands and asked the same questions: whoever moves from one to the other must see no difference. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { type ExecutionKey, KINDS, type Kind, STATES } from "../../src/domain/execution.ts";
import type {
  ProcessInstanceField,
  SearchCondition,
  SearchConditions,
  SearchOrder,
  SearchPlace,
} from "../../src/store/process_instance_search.ts";
import type { CancellationFilter, Envelope, ExecutionFilter, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";

const TENANT = "acme";
const COUNT = 120;
const RUNS = { numRuns: 100 };

/** Texts that databases like to see differently: cases, accents, wildcards, quotes, beyond 16 bits. */
const LETTERS = ["a", "b", "B", "ä", "Z", "_", "%", "*", "?", "[", "]", "\\", "'", '"', " ", "1", "é", "\uffee", "🤖"];
const text = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 0, maxLength: 3 });
const integer = fc.constantFrom("1", "2", "10", "9", "-3", "9007199254740993", "100000000000000000000");

const detail = fc.record(
  {
    processDefinitionId: text,
    processDefinitionName: text,
    processDefinitionVersion: fc.constantFrom(1, 2, 10),
    processDefinitionVersionTag: text,
    processDefinitionKey: integer,
    parentElementInstanceKey: integer,
    businessId: text,
    tags: fc.array(text, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

interface Registered {
  readonly key: ExecutionKey;
  readonly batches: readonly (readonly Envelope[])[];
}

const labels = fc.dictionary(fc.constantFrom("team", "Team", "site"), text, { maxKeys: 2 });

/** How an execution fares after its registration. */
const fate = fc.constantFrom("pending", "running", "completed", "failed", "soft", "cancelling", "incident", "waiting");

function registered(index: number): fc.Arbitrary<Registered> {
  const kinds = fc.oneof({ weight: 2, arbitrary: fc.constant<Kind>("process_instance") }, fc.constantFrom(...KINDS));
  return fc
    .record({ kind: kinds, detail, labels, fate, isChild: fc.boolean(), workflow: fc.constantFrom("w-1", "w-2") })
    .map(({ kind, detail: details, labels: own, fate: fares, isChild, workflow }) => {
      const id = kind === "process_instance" ? String(index * 37) : `${kind}-${index}`;
      const key: ExecutionKey = { tenant: index % 10 === 0 ? "stranger" : TENANT, kind, id };
      const parent =
        isChild && index > 1 && key.tenant === TENANT ? ({ kind: "process_instance", id: "0" } as const) : null;
      const listeners = fares === "incident" || fares === "waiting" ? [{ type: "cleanup", retries: 1 }] : [];
      const spec = specWith({
        detail: details,
        labels: own,
        listeners,
        parent,
        workflowId: kind === "workflow_instance" ? workflow : null,
      });
      const claim =
        fares === "running" || fares === "cancelling" ? { workerId: `w-${index % 3}`, leaseDuration: 60_000 } : null;
      const queueItems = kind === "process" ? [{ id: "q", state: "pending" as const }] : [];
      const first: Command = { type: "register", spec, queueItems, claim };
      return {
        key,
        batches: [[first], ...commandsOf(fares, `c-${index}`)].map((of) => of.map((command) => sent(key, command))),
      };
    });
}

function commandsOf(fares: string, cancellationId: string): Command[][] {
  switch (fares) {
    case "completed":
      return [[{ type: "complete", token: 0, result: { ok: true }, outcomeId: null }]];
    case "failed":
      return [[{ type: "fail", token: 0, error: { type: "E", message: "m", step: "", details: {} } }]];
    case "soft":
      return [[cancelWith({ cancellationId, strategy: "soft" })]];
    case "cancelling":
    case "waiting":
      return [[cancelWith({ cancellationId })]];
    case "incident": {
      const jobKey = `${cancellationId}:0`;
      return [
        [cancelWith({ cancellationId })],
        [
          { type: "activate_listener_job", jobKey, workerId: "l", lock: 5_000 },
          { type: "fail_listener_job", jobKey, activation: 1, retries: 0, message: "no", backoff: 0 },
        ],
      ];
    }
    default:
      return [];
  }
}

function sent(key: ExecutionKey, command: Command): Envelope {
  return { key, command, idempotency: null, effectId: null, audit: null };
}

let tests: StoreUnderTest[];
let stores: Store[];
let keys: readonly ExecutionKey[];

beforeAll(async () => {
  tests = await Promise.all(DATABASES.map(openStore));
  stores = tests.map(({ store }) => store);
  const root: Registered = {
    key: { tenant: TENANT, kind: "process_instance", id: "0" },
    batches: [],
  };
  const first: Command = { type: "register", spec: specWith(), queueItems: [], claim: null };
  const [others] = fc.sample(fc.tuple(...Array.from({ length: COUNT }, (_, index) => registered(index + 1))), {
    seed: 20_260_101,
    numRuns: 1,
  });
  keys = [root, ...others!].map(({ key }) => key);
  for (const store of stores) {
    await store.apply([sent(root.key, first)], 1_000);
    // Three at a time are of the same millisecond, and in one batch.
    for (let from = 0; from < COUNT; from += 3) {
      const few = others!.slice(from, from + 3);
      for (let round = 0; round < 3; round += 1) {
        const batch = few.flatMap(({ batches }) => batches[round] ?? []);
        if (batch.length > 0) await store.apply(batch, 1_000 + from * 10 + round);
      }
    }
  }
}, 60_000);
afterAll(() => Promise.all(tests.map((test) => test.close())));

/** Asks both, and gives the answer that both give. */
async function ask<T>(question: (store: Store) => Promise<T>): Promise<T> {
  const [first, second] = await Promise.all(stores.map(question));
  expect(second).toEqual(first);
  return first!;
}

const TEXTS = [
  "key",
  "definition_id",
  "definition_name",
  "definition_version_tag",
  "definition_key",
  "parent_key",
  "parent_element_key",
  "business_id",
] as const satisfies readonly ProcessInstanceField[];
const TIMES = ["started_at", "ended_at"] as const satisfies readonly ProcessInstanceField[];

const textField = fc.constantFrom(...TEXTS);
const comparison = fc.constantFrom("eq", "neq", "gt", "gte", "lt", "lte");
const anyText = fc.oneof(text, integer);
const time = fc.integer({ min: 1_000, max: 2_300 });

const condition: fc.Arbitrary<SearchCondition> = fc.oneof(
  fc.record({ field: textField, operator: fc.constantFrom("eq", "neq"), value: anyText }),
  fc.record({ field: fc.constantFrom(...TIMES), operator: comparison, value: time }),
  fc.record({ field: fc.constant("definition_version" as const), operator: comparison, value: fc.nat(11) }),
  fc.record({ field: fc.constant("has_incident" as const), operator: fc.constant("eq" as const), value: fc.nat(1) }),
  fc.record({
    field: fc.constant("state" as const),
    operator: fc.constantFrom("in" as const, "not_in" as const),
    values: fc.subarray([...STATES]),
  }),
  fc.record({
    field: textField,
    operator: fc.constantFrom("in" as const, "not_in" as const),
    values: fc.array(anyText, { maxLength: 3 }),
  }),
  fc.record({ field: textField, operator: fc.constant("like" as const), pattern: anyText }),
  fc.record({
    field: textField,
    operator: fc.constant("like" as const),
    pattern: fc.string({ unit: fc.constantFrom("*", "?", "a", "\\", "%", "_", "[", "🤖"), maxLength: 4 }),
  }),
  fc.record({
    field: fc.constantFrom(...TEXTS, ...TIMES),
    operator: fc.constant("exists" as const),
    value: fc.boolean(),
  }),
);

const conditions: fc.Arbitrary<SearchConditions> = fc.record({
  conditions: fc.array(condition, { maxLength: 2 }),
  tags: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(text, { maxLength: 1 })),
});

const order: fc.Arbitrary<SearchOrder[]> = fc.array(
  fc.record({
    field: fc.constantFrom(...TEXTS, ...TIMES, "state", "has_incident", "definition_version"),
    descending: fc.boolean(),
  }),
  { maxLength: 3 },
);

describe("searches of process instances", () => {
  it("find the same, in the same order, on every page, forwards and backwards", async () => {
    await fc.assert(
      fc.asyncProperty(
        conditions,
        fc.array(conditions, { maxLength: 2 }),
        order,
        fc.constantFrom(1, 7, 50),
        fc.nat(20),
        async (all, anyOf, by, limit, from) => {
          const search = (place: SearchPlace) =>
            ask(async (store) => {
              const asked = { filter: { ...all, anyOf }, order: by, place, limit };
              const { startCursor, endCursor, ...found } = await store.searchProcessInstances(TENANT, asked);
              return { ...found, start: placeOf(startCursor), end: placeOf(endCursor) };
            });

          const first = await search({ from: 0 });
          await search({ from });
          if (first.end === null) return;
          const next = await search({ after: first.end });
          if (next.start === null) return;
          const back = await search({ before: next.start });

          expect(back.items).toEqual(first.items);
        },
      ),
      RUNS,
    );
  });
});

describe("lists", () => {
  it("show the same executions, page by page, each once", async () => {
    const filter: fc.Arbitrary<ExecutionFilter> = fc.record({
      kind: fc.constantFrom(...KINDS),
      states: fc.subarray([...STATES]),
      labels,
      parent: fc.option(fc.constantFrom(...keys.map(({ kind, id }) => ({ kind, id }))), { freq: 4 }),
      createdAfter: fc.option(time),
      createdBefore: fc.option(time),
      workflowId: fc.option(fc.constantFrom("w-1", "w-2")),
    });
    await fc.assert(
      fc.asyncProperty(filter, fc.constantFrom(1, 4, 100), async (one, size) => {
        const seen = await pagesOf((token) => ask((store) => store.listExecutions(TENANT, one, { size, token })));

        expect(new Set(seen.map(({ key }) => key.id)).size).toBe(seen.length);
      }),
      RUNS,
    );
  });

  it("show the same cancellations, page by page, each once", async () => {
    const filter: fc.Arbitrary<CancellationFilter> = fc.record({
      kind: fc.option(fc.constantFrom(...KINDS)),
      execution: fc.option(fc.constantFrom(...keys.map(({ kind, id }) => ({ kind, id }))), { freq: 1 }),
      outcome: fc.option(fc.constantFrom("pending" as const, "cancelled" as const, "failed" as const)),
      overdueOnly: fc.boolean(),
      requestedAfter: fc.option(time),
      requestedBefore: fc.option(time),
    });
    await fc.assert(
      fc.asyncProperty(filter, fc.constantFrom(1, 4, 100), async (one, size) => {
        const seen = await pagesOf((token) => ask((store) => store.listCancellations(TENANT, one, { size, token })));

        expect(new Set(seen.map(({ cancellation }) => cancellation.id)).size).toBe(seen.length);
      }),
      RUNS,
    );
  });

  it("show the same windows around the same execution, and none around one that is not there", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...keys),
        fc.constantFrom("newest_first" as const, "oldest_first" as const),
        fc.constantFrom("after" as const, "before" as const),
        fc.constantFrom(1, 3, 200),
        async ({ kind, id }, oldOrNew, side, size) => {
          await ask((store) => store.listWindow(TENANT, kind, { order: oldOrNew, size, cursor: null }));
          await ask((store) => store.listWindow(TENANT, kind, { order: oldOrNew, size, cursor: { side, id } }));
        },
      ),
      RUNS,
    );
    const nowhere = { order: "newest_first", size: 3, cursor: { side: "after", id: "unknown" } } as const;
    expect(await ask((store) => store.listWindow(TENANT, "process", nowhere))).toBeNull();
  });

  it("show the same numbered pages, with the same totals", async () => {
    for (const size of [1, 3, 100]) {
      for (let number = 0; number < 5; number += 1) {
        await ask((store) => store.listInstancesOfWorkflow(TENANT, "w-1", { size, number }));
      }
    }
  });
});

describe("what belongs to one execution", () => {
  it("is the same: itself, its cancellation, its timeline, its children, its place in all that happened", async () => {
    for (const key of keys) {
      const execution = await ask((store) => store.findExecution(key));
      expect(execution?.key).toEqual(key);
      await ask((store) => store.listLiveChildren(key, null, 10));
      const all = { key, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 100 };
      const events = await ask((store) => store.listEvents(all).then(withoutSequences));
      expect(events.length).toBeGreaterThan(0);
      const id = execution?.cancellation?.id;
      if (id === undefined) continue;
      const own = { ...all, cancellationId: id };
      expect(await ask((store) => store.listEvents(own).then(withoutSequences))).not.toEqual([]);
      expect(await ask((store) => store.findCancellation(key.tenant, id))).toMatchObject({ execution: { key } });
      expect(await ask((store) => store.findCancellation("nobody", id))).toBeNull();
    }
    await ask(async (store) => (await store.lastSequences(keys)).length);
  });

  it("is the same for those who hold it, and who wait for its listener job", async () => {
    for (const worker of ["w-0", "w-1", "w-2", "nobody"]) {
      await ask(async (store) => sortedById(await store.listHeldBy(TENANT, worker)));
    }
    const jobs = await ask(async (store) =>
      (await store.listOpenListenerJobs(TENANT, ["cleanup", "x"], 5_000, 100))
        .map(({ execution }) => execution.key.id)
        .sort(),
    );
    expect(jobs.length).toBeGreaterThan(0);
    expect(await ask((store) => store.nextListenerJobAt(TENANT, ["cleanup"]))).toBeGreaterThan(0);
    expect(await ask((store) => store.nextListenerJobAt("nobody", ["cleanup"]))).toBeNull();
    expect(await ask((store) => store.nextEffectAt())).toBeGreaterThan(0);
  });
});

/** The databases write the same JSON with other spaces. Each takes what the other has made. */
function placeOf(cursor: string | null): string | null {
  if (cursor === null) return null;
  const [, mark = "", place = ""] = /^(.{8})(.*)$/s.exec(Buffer.from(cursor, "base64").toString()) ?? [];
  return Buffer.from(`${mark}${JSON.stringify(JSON.parse(place))}`).toString("base64");
}

async function pagesOf<T>(
  page: (token: string) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }>,
): Promise<T[]> {
  const items: T[] = [];
  let token = "";
  do {
    const { items: shown, nextPageToken } = await page(token);
    items.push(...shown);
    token = nextPageToken;
  } while (token !== "");
  return items;
}

/** The databases number events alike, but a transaction that was rolled back leaves a gap in one of them. */
function withoutSequences<T extends { readonly sequence: number }>(events: readonly T[]) {
  return events.map(({ sequence: _, ...event }) => event);
}

function sortedById<T extends { readonly key: ExecutionKey }>(executions: readonly T[]): T[] {
  return [...executions].sort((one, other) => (one.key.id < other.key.id ? -1 : 1));
}
