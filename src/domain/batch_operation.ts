/** A batch operation: one request to cancel many executions, worked off item by item. */
import { type Execution, isTerminal } from "./execution.ts";
import { nameOf } from "./refusals.ts";

/** `created` until its first items are taken, then `active`; `suspended` in between at will. The last two are never left. */
export const BATCH_STATES = ["created", "active", "suspended", "completed", "cancelled"] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/**
 * `pending`: its turn has not come. `active`: its cancel is on its way or under way. `completed`: its cancellation ended. `failed`: it
 * finished first, or can't be cancelled. `cancelled`: the batch was cancelled before its turn.
 */
export const BATCH_ITEM_STATES = ["pending", "active", "completed", "failed", "cancelled"] as const;
export type BatchItemState = (typeof BATCH_ITEM_STATES)[number];

/** What became of an item. */
export interface ItemEnd {
  readonly state: Extract<BatchItemState, "completed" | "failed">;
  /** Why it failed; null if it did not. */
  readonly message: string | null;
}

/** What became of the item of this execution; null while its cancellation has not ended. Whoever asked for that does not matter. */
export function itemEndOf(execution: Execution): ItemEnd | null {
  const { state, cancellation, key } = execution;
  if (state === "completed" || state === "failed") {
    return { state: "failed", message: `${nameOf(key)} has ${state} already` };
  }
  if (cancellation === null || cancellation.stage !== "ended") return null;
  if (isTerminal(state)) return { state: "completed", message: null };
  return { state: "failed", message: cancellation.failure };
}
