/** Waiting for an execution to come to a state. */
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Context } from "./context.ts";

/**
 * Resolves with the execution once `isReached` holds for it; with null if `signal` aborts before, or if the execution is not there.
 * Sees every commit of this process as it happens.
 */
export async function waitUntil(
  context: Pick<Context, "bus" | "store">,
  key: ExecutionKey,
  isReached: (execution: Execution) => boolean,
  signal: AbortSignal,
): Promise<Execution | null> {
  if (signal.aborted) return null;
  const waited = Promise.withResolvers<Execution | null>();
  const unsubscribe = context.bus.subscribeToExecution(key, ({ execution }) => {
    if (execution !== null && isReached(execution)) waited.resolve(execution);
  });
  const abort = () => waited.resolve(null);
  signal.addEventListener("abort", abort, { once: true });
  try {
    // Reads after subscribing, so that nothing can happen unseen in between.
    const current = await context.store.findExecution(key);
    if (current === null || isReached(current)) return current;
    return await waited.promise;
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", abort);
  }
}
