import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExecutionKey, ExecutionSpec } from "../../src/domain/execution.ts";
import type { BatchOperation, Idempotency, ProcessInstanceFilter } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, obey, registration, startService, TENANT, type TestService } from "./world.ts";

let test: TestService;

const ORDERS = filterBy("orders");

function filterBy(definitionId: string): ProcessInstanceFilter {
  return { conditions: [{ field: "definition_id", operator: "eq", value: definitionId }], tags: [], anyOf: [] };
}

/** Process instances of a definition; run by the worker if there is one, otherwise by nobody, so that nothing has to stop. */
async function registerMany(
  count: number,
  { definitionId = "orders", first = 1, workerId = null, spec = {} }: Arrangement = {},
): Promise<ExecutionKey[]> {
  const keys = Array.from({ length: count }, (_, index) => keyOfKind("process_instance", String(first + index)));
  const detail = { processDefinitionId: definitionId };
  await Promise.all(keys.map((key) => test.service.register(registration(key, workerId, { detail, ...spec }))));
  return keys;
}

interface Arrangement {
  readonly definitionId?: string;
  readonly first?: number;
  readonly workerId?: string | null;
  readonly spec?: Partial<ExecutionSpec>;
}

function createBatch(filter = ORDERS, idempotency: Idempotency | null = null): Promise<string> {
  return test.service.createBatchOperation({
    tenant: TENANT,
    principal: "operator",
    filter,
    operationReference: "42",
    idempotency,
    audit: null,
  });
}

async function until(key: string, isReached: (batch: BatchOperation) => boolean): Promise<BatchOperation> {
  return await expect
    .poll(() => test.service.getBatchOperation(TENANT, key), { timeout: 15_000, interval: 5 })
    .toSatisfy(isReached)
    .then(() => test.service.getBatchOperation(TENANT, key));
}

const isOver = ({ endedAt }: BatchOperation): boolean => endedAt !== null;

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await startService({}, database);
  });
  afterEach(() => test.close());

  describe("a batch operation", () => {
    it("cancels what its filter selects, and nothing else", async () => {
      const [chosen, ...others] = [
        await registerMany(3),
        await registerMany(2, { definitionId: "invoices", first: 10 }),
      ];

      const batch = await until(await createBatch(), isOver);

      expect(batch).toMatchObject({ state: "completed", principal: "operator", items: { completed: 3, failed: 0 } });
      const states = await Promise.all([...chosen, ...others.flat()].map(async (key) => stateOf(key)));
      expect(states).toEqual(["cancelled", "cancelled", "cancelled", "pending", "pending"]);
    });

    it("says in each timeline who asked, and through which batch operation", async () => {
      const [key] = await registerMany(1);

      const batchKey = await createBatch();
      await until(batchKey, isOver);

      const { cancellation } = await test.service.getExecution(key!);
      expect(cancellation).toMatchObject({ reason: `batch operation ${batchKey}`, requestedBy: { user: "operator" } });
      const [requested] = await test.store.listEvents({
        key: key!,
        cancellationId: cancellation!.id,
        afterSequence: 0,
        upToSequence: null,
        limit: 1,
      });
      expect(requested?.attributes).toMatchObject({ operation_reference: "42" });
    });

    it("has completed at once if it selects nothing", async () => {
      const batch = await test.service.getBatchOperation(TENANT, await createBatch());

      expect(batch).toMatchObject({ state: "completed", items: { pending: 0, active: 0, completed: 0, failed: 0 } });
    });

    it("selects roots only: their children go with them", async () => {
      const [root] = await registerMany(1);
      const [child] = await registerMany(1, { first: 2, spec: { parent: root! } });

      const batch = await until(await createBatch(), isOver);

      expect(batch.items).toMatchObject({ completed: 1, failed: 0 });
      expect([await stateOf(root!), await stateOf(child!)]).toEqual(["cancelled", "cancelled"]);
    });

    it("does not select what has ended, or belongs to another tenant", async () => {
      const [finished, cancelled] = await registerMany(2);
      await test.service.complete(finished!, 0, null, null);
      await test.service.cancel(cancelOf(cancelled!), FOREVER);
      await test.service.register({ ...registration(finished!, null, detailOf("orders")), tenant: "stranger" });

      const batch = await until(await createBatch(), isOver);

      expect(Object.values(batch.items)).toEqual([0, 0, 0, 0, 0]);
      expect((await test.service.getExecution({ ...finished!, tenant: "stranger" })).state).toBe("pending");
    });

    it("counts an item as completed only when its cancellation has ended, whoever asked for it first", async () => {
      const [key] = await registerMany(1, { workerId: "w-1" });
      const worker = new AbortController();
      const asked = test.service.cancel(cancelOf(key!), FOREVER);
      const batchKey = await createBatch();
      await until(batchKey, ({ items }) => items.active === 1);
      const before = await test.service.getBatchOperation(TENANT, batchKey);

      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const after = await until(batchKey, isOver);

      expect(before).toMatchObject({ state: "active", items: { active: 1, completed: 0 } });
      expect(after).toMatchObject({ state: "completed", items: { active: 0, completed: 1 } });
      await asked;
      worker.abort();
      await obeying;
    });

    it("does not wait for one item before it takes the next ones", async () => {
      await registerMany(1, { workerId: "w-stuck" });
      await registerMany(1_100, { first: 10 });

      const batchKey = await createBatch();
      const batch = await until(batchKey, ({ items }) => items.completed === 1_100);

      expect(batch).toMatchObject({ state: "active", items: { pending: 0, active: 1, failed: 0 } });
    });
  });

  describe("a command id", () => {
    const command = { principal: "operator", method: "CancelProcessInstances", commandId: "c-1", fingerprint: "f-1" };

    it("names one batch operation, however often it is asked for", async () => {
      await registerMany(2);

      const keys = [await createBatch(ORDERS, command), await createBatch(ORDERS, command)];

      expect(keys[1]).toBe(keys[0]);
      expect(await createBatch(ORDERS, { ...command, commandId: "c-2" })).not.toBe(keys[0]);
    });

    it("can't be used for another request", async () => {
      await createBatch(ORDERS, command);

      const other = createBatch(filterBy("invoices"), { ...command, fingerprint: "f-2" });

      await expect(other).rejects.toMatchObject({ refusal: { reason: "idempotency_key_reused" } });
    });
  });

  describe("over 1,000 instances of which a few finish first", () => {
    it("has true counts", async () => {
      const keys = await registerMany(1_000);
      const batchKey = await createBatch();
      await test.service.suspendBatchOperation(TENANT, batchKey, null);
      // Their turn has not come: it goes by age.
      await Promise.all(keys.slice(-7).map((key) => test.service.complete(key, 0, null, null)));

      await test.service.resumeBatchOperation(TENANT, batchKey, null);
      const batch = await until(batchKey, isOver);

      expect(batch).toMatchObject({ state: "completed", items: { completed: 993, failed: 7, cancelled: 0 } });
      const states = await Promise.all(keys.map((key) => stateOf(key)));
      expect(states.filter((state) => state === "cancelled")).toHaveLength(993);
      const failed = await test.service.listBatchItems(
        TENANT,
        { batchKeys: [batchKey], executionIds: null, states: ["failed"] },
        { from: 0, limit: 10 },
      );
      expect(failed.items.map(({ key }) => key)).toEqual(keys.slice(-7));
      expect(failed.items[0]?.message).toBe("process instance '994' has completed already");
    });
  });

  describe("suspending", () => {
    it("stops progress, and resuming finishes", async () => {
      await registerMany(1_200);
      const batchKey = await createBatch();
      await test.service.suspendBatchOperation(TENANT, batchKey, null);
      const suspended = await until(batchKey, ({ items }) => items.active === 0);
      // Another batch operation that begins later passes it by.
      await registerMany(1_200, { definitionId: "invoices", first: 5_000 });
      await until(await createBatch(filterBy("invoices")), isOver);
      const still = await test.service.getBatchOperation(TENANT, batchKey);

      await test.service.resumeBatchOperation(TENANT, batchKey, null);
      const resumed = await until(batchKey, isOver);

      expect(suspended.state).toBe("suspended");
      expect(suspended.items.pending).toBeGreaterThan(0);
      expect(still).toEqual(suspended);
      expect(resumed).toMatchObject({ state: "completed", items: { completed: 1_200, failed: 0 } });
    });

    it("is refused for one that is suspended, and resuming for one that runs", async () => {
      await registerMany(1, { workerId: "w-1" });
      const batchKey = await createBatch();

      const resumed = test.service.resumeBatchOperation(TENANT, batchKey, null);
      await expect(resumed).rejects.toMatchObject({ refusal: { reason: "batch_operation_not_suspended" } });
      await test.service.suspendBatchOperation(TENANT, batchKey, null);
      const suspended = test.service.suspendBatchOperation(TENANT, batchKey, null);
      await expect(suspended).rejects.toMatchObject({ refusal: { reason: "batch_operation_not_active" } });
    });
  });

  describe("cancelling", () => {
    it("leaves alone what was not reached, and goes on counting what was", async () => {
      const keys = await registerMany(1_200, { workerId: "w-1" });
      const batchKey = await createBatch();
      await test.service.cancelBatchOperation(TENANT, batchKey, null);
      const cancelled = await test.service.getBatchOperation(TENANT, batchKey);
      const worker = new AbortController();
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const settled = await until(batchKey, ({ items }) => items.active === 0);

      const states = await Promise.all(keys.map((key) => stateOf(key)));
      expect(cancelled).toMatchObject({ state: "cancelled", items: { pending: 0 } });
      expect(cancelled.endedAt).not.toBeNull();
      expect(settled.items.cancelled).toBeGreaterThan(0);
      expect(states.filter((state) => state === "running")).toHaveLength(settled.items.cancelled);
      expect(states.filter((state) => state === "cancelled")).toHaveLength(settled.items.completed);
      worker.abort();
      await obeying;
    });

    it("is not possible for one that is over, or that nobody knows", async () => {
      const over = test.service.cancelBatchOperation(TENANT, await createBatch(), null);
      await expect(over).rejects.toMatchObject({ refusal: { reason: "batch_operation_not_found" } });
      const unknown = test.service.getBatchOperation(TENANT, "1");
      await expect(unknown).rejects.toMatchObject({ refusal: { reason: "batch_operation_not_found" } });
    });
  });

  describe("a service that starts again", () => {
    it("goes on with what was pending, and follows what was under way", async () => {
      await registerMany(1, { workerId: "w-1" });
      await registerMany(1_200, { first: 10 });
      const batchKey = await createBatch();
      await test.restart();
      const worker = new AbortController();
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);

      const batch = await until(batchKey, isOver);

      expect(batch).toMatchObject({ state: "completed", items: { completed: 1_201, failed: 0 } });
      worker.abort();
      await obeying;
    });

    it("notes what ended while it was away from a suspended batch operation", async () => {
      const [key] = await registerMany(1, { workerId: "w-1" });
      const batchKey = await createBatch();
      await until(batchKey, ({ items }) => items.active === 1);
      await test.service.suspendBatchOperation(TENANT, batchKey, null);
      const { lease } = await test.service.getExecution(key!);
      await test.service.stop();
      await test.store.apply(
        [
          {
            key: key!,
            command: { type: "report_stopped", token: lease!.token, evidence: "gone" },
            idempotency: null,
            effectId: null,
            audit: null,
          },
        ],
        Date.now(),
      );
      await test.restart();

      const batch = await until(batchKey, ({ items }) => items.active === 0);

      expect(batch).toMatchObject({ state: "suspended", items: { completed: 1 } });
    });
  });
});

function detailOf(definitionId: string): Partial<ExecutionSpec> {
  return { detail: { processDefinitionId: definitionId } };
}

async function stateOf(key: ExecutionKey): Promise<string> {
  return (await test.service.getExecution(key)).state;
}
