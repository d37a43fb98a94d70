import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BatchItemState, ItemEnd } from "../../src/domain/batch_operation.ts";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { ProcessInstanceFilter } from "../../src/store/process_instance_search.ts";
import type { Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";

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

async function register(first: number, count: number): Promise<ExecutionKey[]> {
  const keys = Array.from({ length: count }, (_, index) => keyOf(first + index));
  const command: Command = { type: "register", spec: specWith({}), queueItems: [], claim: null };
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

function selecting(keys: readonly ExecutionKey[]): ProcessInstanceFilter {
  return { ...EVERYTHING, conditions: [{ field: "key", operator: "in", values: keys.map(({ id }) => id) }] };
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  describe("claiming", () => {
    it("takes each item once, the oldest first", async () => {
      const keys = await register(1, 5);
      await create("b");

      const claims = [
        await store.batchOperations.claim(3, 3_000),
        await store.batchOperations.claim(3, 3_001),
        await store.batchOperations.claim(3, 3_002),
      ];

      expect(claims.map((claim) => claim?.keys)).toEqual([keys.slice(0, 3), keys.slice(3), undefined]);
      expect(await store.batchOperations.find("default", "b")).toMatchObject({ state: "active", startedAt: 3_000 });
    });

    it("lets the batches take turns", async () => {
      const [first, second] = [await register(1, 4), await register(10, 2)];
      await create("long", selecting(first));
      await create("short", selecting(second));

      const turns: (string | undefined)[] = [];
      for (let now = 3_000; now < 3_005; now += 1) turns.push((await store.batchOperations.claim(1, now))?.batch.key);

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

      expect(await store.batchOperations.claim(10, 3_000)).toBeNull();
      expect([await itemsOf("suspended"), await itemsOf("cancelled")]).toEqual([{ pending: 2 }, { cancelled: 2 }]);
    });
  });

  describe("settling", () => {
    it("counts an item once, and ends the batch with its last one", async () => {
      const keys = await register(1, 2);
      await create("b");
      await store.batchOperations.claim(10, 3_000);

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
      const [key] = await register(1, 1);
      await create("first");
      await create("second");
      await create("later");
      await store.batchOperations.claim(10, 3_000);
      await store.batchOperations.claim(10, 3_001);

      await store.batchOperations.settle([{ key: key!, end: COMPLETED }], 4_000);

      expect(await itemsOf("first")).toEqual({ completed: 1 });
      expect(await itemsOf("second")).toEqual({ completed: 1 });
      expect(await itemsOf("later")).toEqual({ pending: 1 });
    });
  });

  describe("after a crash", () => {
    it("what nobody is cancelling is pending again, and what has ended is listed", async () => {
      const [lost, ended] = await register(1, 3);
      await create("b", selecting([lost!, ended!]));
      await store.batchOperations.claim(10, 3_000);
      await store.apply([envelope(ended!, cancelWith())], 3_001);

      await store.batchOperations.release(4_000, null);

      expect(await itemsOf("b")).toEqual({ pending: 1, active: 1 });
      expect((await store.batchOperations.listEnded(10)).map(({ key }) => key)).toEqual([ended]);
      expect((await store.batchOperations.claim(10, 5_000))?.keys).toEqual([lost]);
    });

    it("a cancelled batch does not take its items up again", async () => {
      await register(1, 1);
      await create("b");
      await store.batchOperations.claim(10, 3_000);
      await store.batchOperations.change("default", "b", { from: ["active"], to: "cancelled" }, null, 3_001, null);

      await store.batchOperations.release(4_000, null);

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
