import type { Millis } from "../domain/time.ts";

/** The first wait is half a second on average, so that a passing fault costs little. */
const FIRST: Millis = 1_000;

/** No wait is longer, so that what becomes reachable again is reached soon. */
const LONGEST: Millis = 30_000;

/** How long to wait after `attempts` failures: exponential, with full jitter, so that many do not come back at once. */
export function backoff(attempts: number, random: () => number): Millis {
  return Math.ceil(random() * Math.min(LONGEST, FIRST * 2 ** Math.min(attempts, 16)));
}
