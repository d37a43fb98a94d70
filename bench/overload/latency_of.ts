/** Sums up how long calls took. */
import { percentile } from "../statistics.ts";
import type { Latency } from "./order.ts";

/** @param latencies in milliseconds */
export function latencyOf(latencies: readonly number[]): Latency {
  if (latencies.length === 0) return { p50: null, p99: null };
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
