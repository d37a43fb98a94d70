import type { Millis } from "../domain/time.ts";

/** The first wait is half a second to a second: a passing fault costs little, and a worker that is just connecting is there by then. */
const FIRST: Millis = 1_000;

/** No wait is longer unless the caller says so, so that what becomes reachable again is reached soon. */
const LONGEST: Millis = 30_000;

/** How long to wait after `attempts` failures: exponential, the later half of it at random, so that many do not come back at once. */
export function backoff(attempts: number, random: () => number, longest: Millis = LONGEST): Millis {
  const span = Math.min(longest, FIRST * 2 ** Math.min(attempts, 16));
  return Math.ceil(span / 2 + (random() * span) / 2);
}
