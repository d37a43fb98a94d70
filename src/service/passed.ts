import type { Millis } from "../domain/time.ts";

/** Resolves when the time has passed or `signal` aborts. */
export function passed(time: Millis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, time);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
