/** The cancels of a batch operation's items: what is asked for, and what came of it. The same over every database. */
import { type BatchItemState, type ItemEnd, itemEndOf } from "../domain/batch_operation.ts";
import type { ExecutionKey } from "../domain/execution.ts";
import { DEFAULT_FORCE_AFTER, KIND_RULES } from "../domain/kind_rules.ts";
import type { Millis } from "../domain/time.ts";
import type { AuditCall } from "./audit.ts";
import type { CancelledItems, NewBatchOperation } from "./batch_operations.ts";
import type { Change } from "./notices.ts";
import type { Applied, Envelope } from "./store.ts";

/** Whoever asked for the batch operation asks for each cancel of it, and answers for it. */
export function cancelOfItem(batch: NewBatchOperation, key: ExecutionKey, cancellationId: string): Envelope {
  const audit: AuditCall = {
    action: "CancelProcessInstance",
    principal: batch.principal,
    name: `batch operation ${batch.key}`,
    address: "",
    requestId: "",
  };
  return {
    key,
    command: {
      type: "cancel",
      cancellationId,
      strategy: KIND_RULES[key.kind].defaultStrategy,
      forceAfter: DEFAULT_FORCE_AFTER,
      reason: `batch operation ${batch.key}`,
      requestedBy: { system: "", user: batch.principal, metadata: {} },
      parentCancellationId: null,
      operationReference: batch.operationReference,
    },
    idempotency: null,
    effectId: null,
    audit,
  };
}

/** What became of an item by its cancel; null if the cancellation is still under way. */
export function endOfCancel({ reply, execution }: Applied): ItemEnd | null {
  if (!reply.accepted) return { state: "failed", message: reply.refusal.message };
  return execution === null ? null : itemEndOf(execution);
}

/** What the cancels of a chunk came to, for whoever waits for it: most of them have ended at once, and hardly anybody waits for those. */
export function cancelledItems(
  batchKey: string,
  applied: readonly Applied[],
  ends: readonly (ItemEnd | null)[],
): CancelledItems {
  const telling: Applied[] = [];
  const ended: Change[] = [];
  for (const [index, one] of applied.entries()) {
    const [first] = one.events;
    if (one.effects.length > 0 || (ends[index] ?? null) === null) telling.push(one);
    else if (first !== undefined) ended.push({ key: first.key, from: first.sequence });
  }
  return { batchKey, applied: telling, ended, unable: null };
}

/** For an item whose cancel fails, and not because of the store. */
export function unableToCancel(batchKey: string, key: ExecutionKey, error: unknown): CancelledItems {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { batchKey, applied: [], ended: [], unable: { key, error: why } };
}

/** What an item says whose cancel fails for a reason that only the log knows. */
export const UNABLE: ItemEnd = { state: "failed", message: "internal error" };

/** Where an item stands after its cancel. */
export interface ItemPlace {
  readonly state: BatchItemState;
  readonly message: string | null;
  readonly processed_at: Millis | null;
}

/** @param end null: the cancellation is under way */
export function placeOf(end: ItemEnd | null, now: Millis): ItemPlace {
  return end === null ? { state: "active", message: null, processed_at: null } : { ...end, processed_at: now };
}
