/** Finds how many cancels a second a server answers when it has as many in flight as it can use. */
import { callsInFlight, PEAK } from "./concurrency.ts";
import type { LoadResult, Wire } from "./order.ts";
import type { LoadProcess } from "./process.ts";
import type { Supply } from "./supply.ts";

export interface PeakMeter {
  /** The last result of each call is kept in mind, so that the next one has enough executions. */
  measure(seconds: number): Promise<LoadResult>;
}

/** Calls a second, until a measurement knows better. */
const FIRST_GUESS = 4000;

/** How many times the expected number of executions is registered, so that a faster round does not run out of them. */
const HEADROOM = 1.4;

export function createPeakMeter(load: LoadProcess, wire: Wire, url: string, supply: Supply): PeakMeter {
  let highestRate = FIRST_GUESS;
  return {
    measure: async (seconds) => {
      for (;;) {
        const count = Math.ceil(highestRate * seconds * HEADROOM) + callsInFlight(PEAK[wire]);
        const first = await supply.stock(count);
        const result = await load.run({ wire, url, call: "cancel", first, count, seconds, ...PEAK[wire] });
        supply.take(result.calls);
        highestRate = Math.max(highestRate, result.calls / result.seconds);
        // The clock ends a measurement, not a lack of executions.
        if (result.calls < count) return result;
        highestRate *= 2;
      }
    },
  };
}
