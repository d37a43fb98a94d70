/** Counts calls by who makes them, each count for one period from its first call on. */
import { hash } from "node:crypto";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Millis } from "../domain/time.ts";

/**
 * How many are told apart at a time: some 20 MB. A flood from more addresses than that shares the buckets below, and only those who
 * begin to call during the flood meet it there.
 */
const MAX_COUNTED = 50_000;

/** So few that they cost nothing, so many that a single loud one among the many rarely meets a given other. */
const SHARED_BUCKETS = 1024;

interface Count {
  /** In this period, this call included. */
  readonly calls: number;
  /** Until the next period. */
  readonly left: Millis;
}

export interface CallCounts {
  /** Counts a call. All counts of a `period` are kept apart from those of other periods. */
  add(who: string, period: Millis): Promise<Count>;
}

/** Keeps everything in memory, and not more than about `maxCounted` counts a period. */
export function createCallCounts(maxCounted: number = MAX_COUNTED): CallCounts {
  const periods = new Map<Millis, PeriodCounts>();
  return {
    async add(who, period) {
      let counts = periods.get(period);
      if (counts === undefined) {
        counts = new PeriodCounts(period, maxCounted);
        periods.set(period, counts);
      }
      return counts.add(who);
    },
  };
}

class PeriodCounts {
  readonly #period: Millis;
  readonly #maxCounted: number;
  readonly #limiter: RateLimiterMemory;
  /** Who has a count of its own. Begun anew each period, so that at most twice as many counts are alive. */
  #known = new Set<string>();
  #knownSince = Date.now();

  constructor(period: Millis, maxCounted: number) {
    this.#period = period;
    this.#maxCounted = maxCounted;
    // It only counts: limits differ from key to key.
    this.#limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: period / 1000 });
  }

  async add(who: string): Promise<Count> {
    const { consumedPoints, msBeforeNext } = await this.#limiter.penalty(this.#nameOf(who));
    return { calls: consumedPoints, left: msBeforeNext };
  }

  #nameOf(who: string): string {
    const now = Date.now();
    if (now - this.#knownSince >= this.#period) {
      this.#known = new Set();
      this.#knownSince = now;
    }
    if (this.#known.has(who)) return who;
    if (this.#known.size >= this.#maxCounted) return `shared ${bucketOf(who)}`;
    this.#known.add(who);
    return who;
  }
}

function bucketOf(who: string): number {
  return hash("sha1", who, "buffer").readUInt16BE() % SHARED_BUCKETS;
}
