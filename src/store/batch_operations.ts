/** The batch operations in the store. */
import type { BatchItemState, BatchState, ItemEnd } from "../domain/batch_operation.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import type { BatchFilter, BatchItem, BatchItemFilter, Listed, Slice } from "./batch_operation_lists.ts";
import type { Idempotency } from "./idempotency.ts";
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

/** Items whose turn has come. */
export interface ClaimedItems {
  readonly batch: NewBatchOperation;
  readonly keys: readonly ExecutionKey[];
}

/** What became of an execution that may be an item. */
export interface EndedItem {
  readonly key: ExecutionKey;
  readonly end: ItemEnd;
}

export interface BatchOperations {
  /**
   * Adds a batch operation with an item for every live root process instance of the tenant that the filter selects, all at once. Resolves
   * with its key, or with that of an earlier one that the same command made.
   */
  create(
    batch: NewBatchOperation,
    filter: ProcessInstanceFilter,
    idempotency: Idempotency | null,
    now: Millis,
  ): Promise<string>;
  find(tenant: string, key: string): Promise<BatchOperation | null>;
  /** The newest first. */
  list(tenant: string, filter: BatchFilter, slice: Slice): Promise<Listed<BatchOperation>>;
  /** In the order in which their turn comes. */
  listItems(tenant: string, filter: BatchItemFilter, slice: Slice): Promise<Listed<BatchItem>>;
  /** Changes the state from one of `from` to `to`. False if it is in none of these. */
  change(tenant: string, key: string, from: readonly BatchState[], to: BatchState, now: Millis): Promise<boolean>;

  /** Takes pending items of the batch that has waited longest, and makes them active. Null if none is pending. */
  claim(limit: number, now: Millis): Promise<ClaimedItems | null>;
  /** Gives the active items of these executions their end, and ends the batches that have no item left. */
  settle(ended: readonly EndedItem[], now: Millis): Promise<void>;
  /** Makes active items pending again whose cancel was never carried out, as after a crash. */
  release(now: Millis): Promise<void>;
  /** Executions of active items that have ended, cancellation included. */
  listEnded(limit: number): Promise<readonly Execution[]>;
  /** True if an item is active. */
  hasActive(): Promise<boolean>;
}
