/** One series in the making: measures its server as often as it is asked. */
import type { LoadResult } from "./load/order.ts";
import type { LoadProcess } from "./load/process.ts";
import { type Concurrency, callsInFlight, MODERATE, PEAK, type Series } from "./series.ts";
import type { Supply } from "./supply.ts";

/** What one series did in one round. */
export interface Measurement {
  /** Answered calls a second at the peak concurrency. */
  readonly callsPerSecond: number;
  /** At the moderate concurrency, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The processor time that the load process took for each second at the peak. */
  readonly loadCpu: number;
}

export interface Contender {
  readonly series: Series;
  /** Lets the server compile what it runs often. */
  warmUp(seconds: number): Promise<void>;
  /** Measures twice for so many seconds: the throughput, then the latency. */
  measure(seconds: number): Promise<Measurement>;
}

export interface ContenderOptions {
  readonly series: Series;
  readonly url: string;
  readonly supply: Supply;
  readonly load: LoadProcess;
}

/** Calls a second, until a measurement knows better. */
const FIRST_GUESS = 4000;

/** How many times the expected number of executions is registered, so that a faster round does not run out of them. */
const HEADROOM = 1.4;

export function createContender({ series, url, supply, load }: ContenderOptions): Contender {
  let highestRate = FIRST_GUESS;

  const cancel = async (seconds: number, concurrency: Concurrency): Promise<LoadResult> => {
    const count = Math.ceil(highestRate * seconds * HEADROOM) + callsInFlight(concurrency);
    const first = await supply.stock(count);
    const result = await load.run({ wire: series.wire, url, call: "cancel", first, count, seconds, ...concurrency });
    supply.take(result.calls);
    highestRate = Math.max(highestRate, result.calls / result.seconds);
    return result;
  };

  return {
    series,
    warmUp: async (seconds) => {
      await cancel(seconds, PEAK[series.wire]);
    },
    measure: async (seconds) => {
      const peak = await cancel(seconds, PEAK[series.wire]);
      const moderate = await cancel(seconds, MODERATE[series.wire]);
      return {
        callsPerSecond: peak.calls / peak.seconds,
        p50: moderate.latency.p50,
        p99: moderate.latency.p99,
        loadCpu: peak.loadCpu,
      };
    },
  };
}
