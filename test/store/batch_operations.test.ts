import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BatchItemState, ItemEnd } from "../../src/domain/batch_operation.ts";
import type { Claim, Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { CancelledItems } from "../../src/store/batch_operations.ts";
import type { ProcessInstanceFilter } from "../../src/store/process_instance_search.ts";
import type { Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, SQLITE, type StoreUnderTest } from "./databases.ts";

let test: StoreUnderTest;
let store: Store;

const EVERYTHING: ProcessInstanceFilter = { conditions: [], tags: [], anyOf: [] };
const COMPLETED: ItemEnd = { state: "completed", message: null };

function keyOf(number: number, tenant = "default"): ExecutionKey {
  return { tenant, kind: "process_instance", id: String(number) };
}

function envelope(key: ExecutionKey, command: Command) {
  return { key, command, idempotency: null, effectId: null, audit: null };
}

async function register(first: number, count: number, claim: Claim | null = null): Promise<ExecutionKey[]> {
  const keys = Array.from({ length: count }, (_, index) => keyOf(first + index));
  const command: Command = { type: "register", spec: specWith({}), queueItems: [], claim };
  await store.apply(
    keys.map((key) => envelope(key, command)),
    1_000,
  );
  return keys;
}

function create(key: string, filter = EVERYTHING): Promise<string> {
  return store.batchOperations.create(
    { tenant: "default", key, principal: "p", operationReference: null },
    filter,
    null,
    2_000,
    null,
  );
}

async function itemsOf(key: string): Promise<Partial<Record<BatchItemState, number>>> {
  const batch = await store.batchOperations.find("default", key);
  return Object.fromEntries(Object.entries(batch!.items).filter(([, count]) => count > 0));
}

/** Held by a worker, so that there is something to stop. */
const RUNNING: Claim = { workerId: "w-1", leaseDuration: 60_000 };

/** Makes a cancel of the execution fail for a reason of its own. */
async function damage({ id }: ExecutionKey): Promise<void> {
  await test.db.updateTable("execution").set({ ending_json: "not JSON" }).where("id", "=", id).execute();
}

/** Ids for the cancellations of as many items. */
function ids(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID());
}

function cancelNext(count: number, now: number): Promise<CancelledItems | null> {
  return store.batchOperations.cancelNext(ids(count), now);
}

async function stateOf(key: ExecutionKey): Promise<string | undefined> {
  return (await store.findExecution(key))?.state;
}

/** As an older Belay left them that died between taking items and cancelling them. */
async function takeAll(): Promise<void> {
  await test.db.updateTable("batch_item").set({ state: "active" }).execute();
  await test.db.updateTable("batch_operation").set({ state: "active" }).execute();
}

function selecting(keys: readonly ExecutionKey[]): ProcessInstanceFilter {
  return { ...EVERYTHING, conditions: [{ field: "key", operator: "in", values: keys.map(({ id }) => id) }] };
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  describe("making one", () => {
    it("lets others write meanwhile, and selects each execution once", async () => {
      const keys = await register(1, 1_200);
      const done: string[] = [];

      const made = create("b", selecting(keys)).then(() => done.push("made"));
      await register(5_000, 1).then(() => done.push("registered"));
      await made;

      // PostgreSQL writes both at once, and either may be first. In SQLite's one transaction at a time the short one would wait.
      if (database === SQLITE) expect(done).toEqual(["registered", "made"]);
      expect(done).toHaveLength(2);
      expect(await itemsOf("b")).toEqual({ pending: keys.length });
    });

    it("makes one for a command, however many ask for it at once", async () => {
      await register(1, 1_200);
      const command = { principal: "p", method: "Create", commandId: "c-1", fingerprint: "f-1" };
      const { batchOperations } = store;
      const ask = (key: string) =>
        batchOperations.create(
          { tenant: "default", key, principal: "p", operationReference: null },
          EVERYTHING,
          command,
          2_000,
          null,
        );

      const keys = await Promise.all([ask("one"), ask("two"), ask("three")]);

      expect(new Set(keys).size).toBe(1);
      const { items } = await batchOperations.list("default", { keys: null, states: null }, { from: 0, limit: 10 });
      expect(items).toMatchObject([{ key: keys[0], items: { pending: 1_200 } }]);
    });
  });

  describe("cancelling the next items", () => {
    it("takes each item once, the oldest first", async () => {
      const keys = await register(1, 5);
      await create("b");

      const chunks = [await cancelNext(3, 3_000), await cancelNext(3, 3_001), await cancelNext(3, 3_002)];

      expect(chunks.map((chunk) => chunk?.ended.map(({ key }) => key))).toEqual([
        keys.slice(0, 3),
        keys.slice(3),
        undefined,
      ]);
      expect(await store.batchOperations.find("default", "b")).toMatchObject({ state: "completed", startedAt: 3_000 });
      expect(await Promise.all(keys.map(stateOf))).toEqual(Array.from(keys, () => "cancelled"));
    });

    it("settles what has ended at once, and follows what goes on", async () => {
      const [waiting] = await register(1, 1);
      const [running] = await register(2, 1, RUNNING);
      const [finished] = await register(3, 1);
      await create("b");
      await store.apply([envelope(finished!, { type: "complete", token: 0, result: null, outcomeId: null })], 2_500);

      const cancelled = await cancelNext(10, 3_000);

      expect(await itemsOf("b")).toEqual({ completed: 1, active: 1, failed: 1 });
      expect(cancelled?.ended.map(({ key }) => key)).toEqual([waiting]);
      expect(cancelled?.applied.map(({ execution }) => execution?.key)).toEqual([running]);
      expect(cancelled?.applied[0]?.effects.map(({ effect }) => effect.type)).toContain("request_stop");
      const { items } = await store.batchOperations.listItems(
        "default",
        { batchKeys: ["b"], executionIds: null, states: ["failed"] },
        { from: 0, limit: 10 },
      );
      expect(items).toMatchObject([{ key: finished, message: "process instance '3' has completed already" }]);
    });

    it("tells from which event on those that have ended at once have news", async () => {
      const [key] = await register(1, 1);
      await create("b");

      const cancelled = await cancelNext(10, 3_000);

      const [{ from } = { from: 0 }] = cancelled?.ended ?? [];
      const events = await store.listEvents({
        key: key!,
        cancellationId: null,
        afterSequence: from - 1,
        upToSequence: null,
        limit: 10,
      });
      expect(events.map(({ type }) => type)).toEqual(["cancellation_requested", "cancellation_ended"]);
    });

    it("writes down in the audit log who answers for it", async () => {
      const [key] = await register(1, 1);
      await create("b");

      await cancelNext(10, 3_000);

      const filter = { execution: key!, principal: "", from: null, to: null, refusedOnly: false };
      const { events } = await store.audit.list("default", filter, 0, 10);
      expect(events).toMatchObject([{ principal: "p", name: "batch operation b", outcome: "applied" }]);
    });

    it("changes nothing at all if one of the cancels can't be decided", async () => {
      const keys = await register(1, 3);
      await create("b");
      await damage(keys[1]!);

      await expect(cancelNext(10, 3_000)).rejects.toThrow();

      expect(await itemsOf("b")).toEqual({ pending: 3 });
      expect(await stateOf(keys[0]!)).toBe("pending");
    });

    it("one by one, fails an item whose cancel can't be decided, and goes on", async () => {
      const keys = await register(1, 3);
      await create("b");
      await damage(keys[1]!);

      const chunks = [await cancelNext(1, 3_000), await cancelNext(1, 3_001), await cancelNext(1, 3_002)];

      expect(chunks.map((chunk) => chunk?.unable?.key ?? null)).toEqual([null, keys[1], null]);
      expect(await itemsOf("b")).toEqual({ completed: 2, failed: 1 });
    });

    it("lets the batches take turns", async () => {
      const [first, second] = [await register(1, 4), await register(10, 2)];
      await create("long", selecting(first));
      await create("short", selecting(second));

      const turns: (string | undefined)[] = [];
      for (let now = 3_000; now < 3_005; now += 1) turns.push((await cancelNext(1, now))?.batchKey);

      expect(turns).toEqual(["long", "short", "long", "short", "long"]);
    });

    it("passes by what is suspended or cancelled", async () => {
      await register(1, 2);
      await create("suspended");
      await create("cancelled");
      await store.batchOperations.change(
        "default",
        "suspended",
        { from: ["created"], to: "suspended" },
        null,
        2_001,
        null,
      );
      await store.batchOperations.change(
        "default",
        "cancelled",
        { from: ["created"], to: "cancelled" },
        null,
        2_001,
        null,
      );

      expect(await cancelNext(10, 3_000)).toBeNull();
      expect([await itemsOf("suspended"), await itemsOf("cancelled")]).toEqual([{ pending: 2 }, { cancelled: 2 }]);
    });
  });

  describe("settling", () => {
    it("counts an item once, and ends the batch with its last one", async () => {
      const keys = await register(1, 2, RUNNING);
      await create("b");
      await cancelNext(10, 3_000);

      const failed: ItemEnd = { state: "failed", message: "too late" };
      await store.batchOperations.settle([{ key: keys[0]!, end: failed }], 4_000);
      const before = await store.batchOperations.find("default", "b");
      await store.batchOperations.settle(
        keys.map((key) => ({ key, end: COMPLETED })),
        5_000,
      );

      expect(before).toMatchObject({ state: "active", endedAt: null });
      expect(await store.batchOperations.find("default", "b")).toMatchObject({ state: "completed", endedAt: 5_000 });
      expect(await itemsOf("b")).toEqual({ completed: 1, failed: 1 });
      expect(await store.batchOperations.hasActive()).toBe(false);
    });

    it("settles the execution in every batch that is at it, and in no batch that is not", async () => {
      const [key] = await register(1, 1, RUNNING);
      await create("first");
      await create("second");
      await create("later");
      await cancelNext(10, 3_000);
      await cancelNext(10, 3_001);

      await store.batchOperations.settle([{ key: key!, end: COMPLETED }], 4_000);

      expect(await itemsOf("first")).toEqual({ completed: 1 });
      expect(await itemsOf("second")).toEqual({ completed: 1 });
      expect(await itemsOf("later")).toEqual({ pending: 1 });
    });
  });

  describe("after a crash", () => {
    it("what has ended, or was refused by its engine, is listed", async () => {
      const [ended, refused, running] = await register(1, 3, RUNNING);
      await create("b");
      await cancelNext(10, 3_000);
      const { cancellation } = (await store.findExecution(refused!))!;
      await store.apply(
        [
          envelope(ended!, { type: "report_stopped", token: 1, evidence: "gone" }),
          envelope(refused!, {
            type: "signal_failed",
            cancellationId: cancellation!.id,
            signal: "stop",
            permanent: true,
            message: "no",
          }),
        ],
        3_001,
      );

      const listed = await store.batchOperations.listEnded(10);

      expect(listed.map(({ key }) => key)).toEqual([ended, refused]);
      expect([await stateOf(refused!), await stateOf(running!)]).toEqual(["running", "cancelling"]);
    });

    it("what an older Belay took and did not cancel is pending again", async () => {
      const [lost, ended] = await register(1, 3);
      await create("b", selecting([lost!, ended!]));
      await takeAll();
      await store.apply([envelope(ended!, cancelWith())], 3_001);

      await store.batchOperations.release(4_000);

      expect(await itemsOf("b")).toEqual({ pending: 1, active: 1 });
      expect((await store.batchOperations.listEnded(10)).map(({ key }) => key)).toEqual([ended]);
      expect((await cancelNext(10, 5_000))?.ended.map(({ key }) => key)).toEqual([lost]);
    });

    it("a cancelled batch does not take its items up again", async () => {
      await register(1, 1);
      await create("b");
      await takeAll();
      await store.batchOperations.change("default", "b", { from: ["active"], to: "cancelled" }, null, 3_001, null);

      await store.batchOperations.release(4_000);

      expect(await itemsOf("b")).toEqual({ cancelled: 1 });
    });
  });

  describe("another tenant", () => {
    it("neither sees a batch operation nor can change it", async () => {
      await register(1, 1);
      await create("b");

      expect(await store.batchOperations.find("stranger", "b")).toBeNull();
      expect(
        await store.batchOperations.change("stranger", "b", { from: ["created"], to: "cancelled" }, null, 3_000, null),
      ).toBe(false);
    });
  });
});

// PostgreSQL makes it in one transaction: there nobody has to wait for it.
describe("over SQLite, a batch operation whose making a crash has interrupted", () => {
  beforeEach(async () => {
    test = await openStore(SQLITE);
    store = test.store;
  });
  afterEach(() => test.close());

  it("is seen by nobody, and goes when that is put right", async () => {
    await register(1, 600);
    await create("b");
    await test.db.updateTable("batch_operation").set({ state: "preparing" }).execute();
    const seen = await store.batchOperations.find("default", "b");
    const listed = await store.batchOperations.list("default", { keys: null, states: null }, { from: 0, limit: 10 });
    const next = await cancelNext(10, 3_000);

    await store.batchOperations.release(4_000);

    expect([seen, listed.total, next]).toEqual([null, 0, null]);
    expect(await test.db.selectFrom("batch_item").selectAll().execute()).toEqual([]);
  });
});
