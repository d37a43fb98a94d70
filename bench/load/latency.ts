/** Latencies summed up. */
import { percentile } from "../statistics.ts";
import type { Latency } from "./order.ts";

export function latencyOf(millis: readonly number[]): Latency {
  const sorted = Float64Array.from(millis).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) ?? Number.NaN };
}
