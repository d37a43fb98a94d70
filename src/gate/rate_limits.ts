/** Rate limits: how often one caller may call, and how often one address may fail to say who it is. */

import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import { type CallCounts, createCallCounts } from "./call_counts.ts";
import type { Identity, RateLimit } from "./identity.ts";
import { networkOf } from "./network_of.ts";

export interface RateLimitOptions {
  /** For callers whose identity has no limit of its own. Null: none. */
  readonly perKey: RateLimit | null;
  /** For all callers of one address together; of IPv6, of one /64. Null: none. */
  readonly perAddress: RateLimit | null;
  /** For the failed authentications of one address. */
  readonly failures: RateLimit;
}

/** Where a caller stands with the limit that is nearest. */
export interface RateStanding {
  /** Whose limit it is. */
  readonly name: "key" | "address";
  /** How many calls a period may have. */
  readonly limit: number;
  readonly period: Millis;
  /** How many it still may have. */
  readonly remaining: number;
  /** When the next period begins. */
  readonly reset: Millis;
}

export interface RateLimits {
  /**
   * Counts a call of whoever has shown who it is. Resolves with where the caller stands; null: nothing limits it.
   *
   * @throws Refused `rate_limited` if it is over a limit
   */
  enter(identity: Identity, address: string): Promise<RateStanding | null>;
  /**
   * Counts a failed authentication.
   *
   * @throws Refused `rate_limited` if the address fails too often to be told more
   */
  failed(address: string): Promise<void>;
}

/** How often an address may fail to say who it is: a mistyped key is mended in fewer attempts, and guessing takes more. */
export const DEFAULT_FAILURES: RateLimit = { calls: 60, period: 60_000 };

/** @param counts for tests */
export function createRateLimits(options: RateLimitOptions, counts: CallCounts = createCallCounts()): RateLimits {
  const { perKey, perAddress, failures } = options;

  const count = async (
    who: string,
    name: RateStanding["name"],
    { calls, period }: RateLimit,
    what: string,
  ): Promise<RateStanding> => {
    const { calls: made, left } = await counts.add(who, period);
    const standing = { name, limit: calls, period, remaining: Math.max(0, calls - made), reset: left };
    if (made > calls) throw overLimit(standing, what);
    return standing;
  };

  return {
    async enter(identity, address) {
      const { tenant, principal, rateLimit } = identity;
      const ofAddress =
        perAddress === null ? null : await count(`address ${networkOf(address)}`, "address", perAddress, "calls");
      const limit = rateLimit ?? perKey;
      const ofKey = limit === null ? null : await count(`key ${tenant}\u0000${principal}`, "key", limit, "calls");
      if (ofKey === null || ofAddress === null) return ofKey ?? ofAddress;
      return ofAddress.remaining < ofKey.remaining ? ofAddress : ofKey;
    },
    async failed(address) {
      await count(`failures ${networkOf(address)}`, "address", failures, "failed authentications");
    },
  };
}

function overLimit(standing: RateStanding, what: string): Refused {
  const { limit, period, name } = standing;
  const metadata = rateMetadata(standing);
  const message = `over the limit of this ${name}, ${limit} ${what} in ${period / 1000} s; the next period begins in ${metadata.reset} s`;
  return new Refused(refusal("rate_limited", message, { ...metadata }));
}

/** A standing for programs: all times in whole seconds, as the headers and details of the doors have them. */
export type RateMetadata = Readonly<Record<keyof RateStanding, string>>;

export function rateMetadata({ name, limit, period, remaining, reset }: RateStanding): RateMetadata {
  return {
    name,
    limit: String(limit),
    period: String(Math.max(1, Math.round(period / 1000))),
    remaining: String(remaining),
    // Not 0: who asks again at once is early.
    reset: String(Math.max(1, Math.ceil(reset / 1000))),
  };
}
