/** Executions to cancel. Each is cancelled once: a second cancel would join the first, and be another thing to measure. */
import { PEAK } from "./concurrency.ts";
import type { LoadProcess } from "./process.ts";

/**
 * The work that a cancel meets. `pending`: registered and never started, so there is nothing to stop and the cancel ends at once.
 * `running`: a worker holds it, so that a stop order goes out and timers are set.
 */
export type Work = "pending" | "running";

export interface Supply {
  /** Sees to it that at least `count` executions wait to be cancelled, and resolves with the number of the first. */
  stock(count: number): Promise<number>;
  /** Says that the first `count` of them are cancelled. */
  take(count: number): void;
}

/** The numbers from which each supply counts, far enough apart never to meet. */
export const FIRST_NUMBERS = { pending: 0, running: 1e11, echo: 2e11, sample: 3e11, shown: 4e11 } as const;

/** Executions registered with Belay, over its API. */
export function registeredSupply(load: LoadProcess, url: string, work: Work): Supply {
  let first: number = FIRST_NUMBERS[work];
  let end = first;
  return {
    stock: async (count) => {
      const missing = first + count - end;
      if (missing > 0) {
        const call = work === "pending" ? "register_pending" : "register_running";
        await load.run({ wire: "grpc", url, call, first: end, count: missing, seconds: null, ...PEAK.grpc });
        end += missing;
      }
      return first;
    },
    take: (count) => {
      first += count;
    },
  };
}

/** An echo server knows no executions, so any number will do. */
export function echoSupply(): Supply {
  let first: number = FIRST_NUMBERS.echo;
  return {
    stock: async () => first,
    take: (count) => {
      first += count;
    },
  };
}
