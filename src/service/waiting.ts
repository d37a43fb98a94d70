/** Waiting for an execution to come to a state. */
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Context } from "./context.ts";

/** Sees every commit about one execution, from its beginning on until it is stopped. */
export interface Following {
  /**
   * Resolves with the execution once `isReached` holds for it; with null if `signal` aborts before, or if the execution is not there. To
   * be called once at a time.
   */
  until(isReached: (execution: Execution) => boolean, signal: AbortSignal): Promise<Execution | null>;
  stop(): void;
}

/** Follows an execution. Who begins with that before a command of its own need not read what that command comes to. */
export function follow({ bus, store }: Pick<Context, "bus" | "store">, key: ExecutionKey): Following {
  let latest: Execution | null = null;
  let tell: (execution: Execution) => void = () => undefined;
  const stop = bus.follow(key, ({ execution }) => {
    if (execution === null) return;
    latest = execution;
    tell(execution);
  });
  // What other processes commit is told late, and not in order: it is worth a look, and no more.
  const isToldAll = store.notices === null;
  const look = async (): Promise<Execution | null> =>
    isToldAll && latest !== null ? latest : await store.findExecution(key);
  return {
    until: async (isReached, signal) => {
      while (!signal.aborted) {
        const told = Promise.withResolvers<void>();
        tell = (execution) => {
          if (isReached(execution)) told.resolve();
        };
        const abort = () => told.resolve();
        signal.addEventListener("abort", abort, { once: true });
        try {
          // Looks after it has begun to listen, so that nothing can happen unseen in between.
          const current = await look();
          if (current === null || isReached(current)) return current;
          await told.promise;
        } finally {
          tell = () => undefined;
          signal.removeEventListener("abort", abort);
        }
      }
      return null;
    },
    stop,
  };
}
