/** After how long a failed call is worth repeating. */
import { type Reason, retryAfterOf } from "./reasons.ts";

/** What an overloaded server tells its callers, each one of these: whoever was refused at once must not come back at once. In seconds. */
export const OVERLOAD_DELAYS: readonly number[] = [1, 2, 3];

/** In whole seconds; null where repeating does not help. */
export function retryDelayOf(
  reason: Reason,
  metadata: Readonly<Record<string, string>> = {},
  random: () => number = Math.random,
): number | null {
  const otherwise = retryAfterOf(reason);
  switch (reason) {
    case "overloaded":
      return OVERLOAD_DELAYS[Math.floor(random() * OVERLOAD_DELAYS.length)] ?? otherwise;
    case "rate_limited":
      return wholeSeconds(metadata["reset"]) ?? otherwise;
    default:
      return otherwise;
  }
}

function wholeSeconds(text = ""): number | null {
  return /^[1-9]\d*$/.test(text) ? Number(text) : null;
}
