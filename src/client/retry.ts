/** Repeats a call until Belay answers it. */
import { setTimeout as sleep } from "node:timers/promises";
import { isWorthRetrying } from "./refusal.ts";

/** The first pause, in milliseconds. Each later one is twice as long, up to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

/**
 * The pause before another attempt, in milliseconds, jittered so that workers who lost the same server don't come back in step.
 *
 * @param failures how many attempts have failed in a row; at least 1
 */
export function pauseAfter(failures: number): number {
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 16));
  return pause / 2 + Math.random() * (pause / 2);
}

/** Sleeps. Resolves with false as soon as `signal` aborts, otherwise with true when the time has passed. */
export async function pause(millis: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(millis, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/**
 * Calls until there is an answer: a result, or a refusal that would be the same next time, which is thrown.
 *
 * @param onFailure told of each attempt that will be repeated
 * @throws the reason of `signal`, once it aborts
 */
export async function retry<T>(
  call: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthRetrying(error)) throw error;
      onFailure(error);
    }
    await pause(pauseAfter(failures), signal);
  }
}
