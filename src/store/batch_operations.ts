/** The batch operations in the store. */
import type { BatchItemState, BatchState, ItemEnd } from "../domain/batch_operation.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import type { AuditEntry } from "./audit.ts";
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

/** How a batch operation is steered: from one of these states to another one. */
export interface BatchChange {
  readonly from: readonly BatchState[];
  readonly to: BatchState;
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

  /** Takes pending items of the batch that has waited longest, and makes them active. Null if none is pending. */
  claim(limit: number, now: Millis): Promise<ClaimedItems | null>;
  /** Gives the active items of these executions their end, and ends the batches that have no item left. */
  settle(ended: readonly EndedItem[], now: Millis): Promise<void>;
  /**
   * Makes active items pending again whose cancel was never carried out, as after a crash: only those of batches from which nobody took
   * items since `takenBefore`; null: of all.
   */
  release(now: Millis, takenBefore: Millis | null): Promise<void>;
  /** Executions of active items that have ended, cancellation included. */
  listEnded(limit: number): Promise<readonly Execution[]>;
  /** True if an item is active. */
  hasActive(): Promise<boolean>;
}
