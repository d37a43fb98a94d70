/** Use cases of batch operations: cancel many executions by a filter, and steer that. */
import type { BatchState } from "../domain/batch_operation.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import type { BatchOperation } from "../store/batch_operations.ts";
import type { BatchRunner } from "./batch_runner.ts";
import type { Context } from "./context.ts";
import { mintKey } from "./ids.ts";
import type { Service } from "./service.ts";

export function batchOperationUseCases(
  { store, clock }: Pick<Context, "store" | "clock">,
  runner: BatchRunner,
): Pick<
  Service,
  | "createBatchOperation"
  | "getBatchOperation"
  | "listBatchOperations"
  | "listBatchItems"
  | "suspendBatchOperation"
  | "resumeBatchOperation"
  | "cancelBatchOperation"
> {
  const batches = store.batchOperations;

  async function find(tenant: string, key: string): Promise<BatchOperation> {
    const batch = await batches.find(tenant, key);
    if (batch === null) throw notFound(key, `no batch operation has the key '${key}'`);
    return batch;
  }

  /** Changes the state, or says why that can't be. */
  async function change(
    tenant: string,
    key: string,
    from: readonly BatchState[],
    to: BatchState,
    refuse: (key: string, state: BatchState) => Refused,
  ): Promise<void> {
    if (await batches.change(tenant, key, from, to, clock.now())) return;
    const batch = await find(tenant, key);
    throw batch.endedAt === null
      ? refuse(key, batch.state)
      : notFound(key, `batch operation '${key}' is over: it is ${batch.state}`);
  }

  return {
    createBatchOperation: async ({ tenant, principal, filter, operationReference, idempotency }) => {
      const batch = { tenant, key: mintKey(), principal, operationReference };
      const key = await batches.create(batch, filter, idempotency, clock.now());
      runner.wake();
      return key;
    },
    getBatchOperation: find,
    listBatchOperations: (tenant, filter, slice) => batches.list(tenant, filter, slice),
    listBatchItems: (tenant, filter, slice) => batches.listItems(tenant, filter, slice),
    suspendBatchOperation: (tenant, key) => change(tenant, key, ["created", "active"], "suspended", notActive),
    resumeBatchOperation: async (tenant, key) => {
      await change(tenant, key, ["suspended"], "active", notSuspended);
      runner.wake();
    },
    cancelBatchOperation: (tenant, key) =>
      change(tenant, key, ["created", "active", "suspended"], "cancelled", notActive),
  };
}

function notFound(key: string, message: string): Refused {
  return new Refused(refusal("batch_operation_not_found", message, { batch_operation_key: key }));
}

function notActive(key: string, state: BatchState): Refused {
  const message = `batch operation '${key}' does not run: it is ${state}`;
  return new Refused(refusal("batch_operation_not_active", message, { batch_operation_key: key }));
}

function notSuspended(key: string, state: BatchState): Refused {
  const message = `batch operation '${key}' is not suspended: it is ${state}`;
  return new Refused(refusal("batch_operation_not_suspended", message, { batch_operation_key: key }));
}
