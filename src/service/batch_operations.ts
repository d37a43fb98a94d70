/** Use cases of batch operations: cancel many executions by a filter, and steer that. */
import type { BatchState } from "../domain/batch_operation.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import type { AuditEntry } from "../store/audit.ts";
import type { BatchChange, BatchOperation } from "../store/batch_operations.ts";
import type { BatchRunner } from "./batch_runner.ts";
import type { Context } from "./context.ts";
import { mintKey } from "./ids.ts";
import type { AuditTrail, Idempotency, Service } from "./service.ts";

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
    change: BatchChange,
    audit: AuditTrail | null,
    idempotency: Idempotency | null,
    refuse: (key: string, state: BatchState) => Refused,
  ): Promise<void> {
    const entry = entryOf(audit, tenant, `batch operation ${key}`);
    if (await batches.change(tenant, key, change, idempotency, clock.now(), entry)) {
      note(audit);
      return;
    }
    const batch = await find(tenant, key);
    throw batch.endedAt === null
      ? refuse(key, batch.state)
      : notFound(key, `batch operation '${key}' is over: it is ${batch.state}`);
  }

  return {
    createBatchOperation: async ({ tenant, principal, filter, operationReference, idempotency, audit }) => {
      const batch = { tenant, key: mintKey(), principal, operationReference };
      const entry = entryOf(audit, tenant, `batch operation ${batch.key}: ${JSON.stringify(filter)}`);
      const key = await batches.create(batch, filter, idempotency, clock.now(), entry);
      note(audit);
      runner.wake();
      return key;
    },
    getBatchOperation: find,
    listBatchOperations: (tenant, filter, slice) => batches.list(tenant, filter, slice),
    listBatchItems: (tenant, filter, slice) => batches.listItems(tenant, filter, slice),
    suspendBatchOperation: (tenant, key, audit, idempotency = null) =>
      change(tenant, key, { from: ["created", "active"], to: "suspended" }, audit, idempotency, notActive),
    resumeBatchOperation: async (tenant, key, audit, idempotency = null) => {
      await change(tenant, key, { from: ["suspended"], to: "active" }, audit, idempotency, notSuspended);
      runner.wake();
    },
    cancelBatchOperation: (tenant, key, audit, idempotency = null) =>
      change(tenant, key, { from: ["created", "active", "suspended"], to: "cancelled" }, audit, idempotency, notActive),
  };
}

/** What the audit log keeps of it, once it is done. */
function entryOf(audit: AuditTrail | null, tenant: string, reason: string): AuditEntry | null {
  if (audit === null) return null;
  const nothing = { requestedBy: "", execution: null, message: "", cancellationId: "" };
  return { ...audit.call, ...nothing, tenant, reason, outcome: "applied", count: 1 };
}

function note(audit: AuditTrail | null): void {
  if (audit !== null) audit.isRecorded = true;
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
