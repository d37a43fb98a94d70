/** How long credentials count: what is under way in their name ends with them. */
import type { Identity } from "../gate/identity.ts";
import { failureToError } from "./errors.ts";

export interface Validity {
  /** Aborts, with the error to answer, when the identity ends. */
  readonly signal: AbortSignal;
  /** Nobody looks at the signal any more. */
  release(): void;
}

/** Node's timers overflow above this. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Null: the identity never ends. */
export function validityOf({ revoked, expiresAt }: Identity): Validity | null {
  if (revoked === null && expiresAt === null) return null;
  const validity = new AbortController();
  const end = (message: string): void => {
    validity.abort(failureToError({ reason: "unauthenticated", message }, null));
  };
  const onRevoked = (): void => end("the credentials were revoked");
  revoked?.addEventListener("abort", onRevoked);
  if (revoked?.aborted) onRevoked();
  const left = expiresAt === null ? LONGEST_TIMER : Math.max(0, expiresAt - Date.now());
  const timer = left < LONGEST_TIMER ? setTimeout(() => end("the credentials have expired"), left) : undefined;
  return {
    signal: validity.signal,
    release: () => {
      clearTimeout(timer);
      revoked?.removeEventListener("abort", onRevoked);
    },
  };
}
