import type { Millis } from "../domain/time.ts";

/** The first wait is half a second on average, so that a passing fault costs little. */
const FIRST: Millis = 1_000;

/** No wait is longer unless the caller says so, so that what becomes reachable again is reached soon. */
const LONGEST: Millis = 30_000;

/** How long to wait after `attempts` failures: exponential, with full jitter, so that many do not come back at once. */
export function backoff(attempts: number, random: () => number, longest: Millis = LONGEST): Millis {
  return Math.ceil(random() * Math.min(longest, FIRST * 2 ** Math.min(attempts, 16)));
}
