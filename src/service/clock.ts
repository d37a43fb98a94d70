import type { Millis } from "../domain/time.ts";

/** The time, as the service sees it. */
export interface Clock {
  /** Milliseconds since the epoch. Never goes back, even if the machine's clock is set back. */
  now(): Millis;
}

export function systemClock(): Clock {
  let latest = 0;
  return {
    now: () => {
      latest = Math.max(latest, Date.now());
      return latest;
    },
  };
}
