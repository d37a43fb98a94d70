/** The batch operations in the store. */
import type { BatchItemState, BatchState, ItemEnd } from "../domain/batch_operation.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import type { Applied } from "./applied.ts";
import type { AuditEntry } from "./audit.ts";
import type { BatchFilter, BatchItem, BatchItemFilter, Listed, Slice } from "./batch_operation_lists.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Change } from "./notices.ts";
import type { ProcessInstanceFilter } from "./process_instance_search.ts";

export interface NewBatchOperation {
  readonly tenant: string;
  /** Unique in the tenant. */
  readonly key: string;
  /** Who asked for it. */
  readonly principal: string;
  /** A number by which the caller finds the request in the events of the items. */
  readonly operationReference: string | null;
}

export interface BatchOperation extends NewBatchOperation {
  readonly state: BatchState;
  readonly createdAt: Millis;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
  /** How many items there are in each state. */
  readonly items: Readonly<Record<BatchItemState, number>>;
}

/** How a batch operation is steered: from one of these states to another one. */
export interface BatchChange {
  readonly from: readonly BatchState[];
  readonly to: BatchState;
}

/** What the cancels of some items came to, once committed. */
export interface CancelledItems {
  /** The key of their batch operation. */
  readonly batchKey: string;
  /** Those that owe something to the outside, or go on. */
  readonly applied: readonly Applied[];
  /** The others: they have ended, and matter to nobody but those who watch just them. */
  readonly ended: readonly Change[];
  /** An item that was failed because its cancel could not be decided, and why. */
  readonly unable: { readonly key: ExecutionKey; readonly error: string } | null;
}

/** What became of an execution that may be an item. */
export interface EndedItem {
  readonly key: ExecutionKey;
  readonly end: ItemEnd;
}

export interface BatchOperations {
  /**
   * Adds a batch operation with an item for every live root process instance of the tenant that the filter selects, all at once. Resolves
   * with its key, or with that of an earlier one that the same command made. `audit` is written down with it.
   */
  create(
    batch: NewBatchOperation,
    filter: ProcessInstanceFilter,
    idempotency: Idempotency | null,
    now: Millis,
    audit: AuditEntry | null,
  ): Promise<string>;
  find(tenant: string, key: string): Promise<BatchOperation | null>;
  /** The newest first. */
  list(tenant: string, filter: BatchFilter, slice: Slice): Promise<Listed<BatchOperation>>;
  /** In the order in which their turn comes. */
  listItems(tenant: string, filter: BatchItemFilter, slice: Slice): Promise<Listed<BatchItem>>;
  /**
   * Changes the state and writes `audit` down with it. True also if the same command did so before; false if the state is none of those
   * that it can be changed from.
   */
  change(
    tenant: string,
    key: string,
    change: BatchChange,
    idempotency: Idempotency | null,
    now: Millis,
    audit: AuditEntry | null,
  ): Promise<boolean>;
  /** Forgets up to `limit` command ids, of each sort, that were used before `before`. True: there may be more. */
  forgetCommands(before: Millis, limit: number): Promise<boolean>;

  /**
   * Cancels pending items of the batch that has waited longest: as many as there are ids for their cancellations. Each item is given its
   * end, or is active while its cancellation is under way, in the transaction that decides its cancel. Null if no item is pending.
   *
   * If this fails, nothing has changed. Asked with one id, it fails the item instead, so that one that can't be cancelled does not keep
   * the others waiting; it rejects only if the store can't be written.
   */
  cancelNext(cancellationIds: readonly string[], now: Millis): Promise<CancelledItems | null>;
  /** Gives the active items of these executions their end, and ends the batches that have no item left. */
  settle(ended: readonly EndedItem[], now: Millis): Promise<void>;
  /**
   * Puts right what a crash left behind. Batch operations that were only being made go. Active items are pending again if nobody ever
   * asked to cancel their executions: an older Belay died between taking and cancelling them.
   */
  release(now: Millis): Promise<void>;
  /** Executions of active items whose cancellation has ended. */
  listEnded(limit: number): Promise<readonly Execution[]>;
  /** True if an item is active. */
  hasActive(): Promise<boolean>;
}
