/** How many calls of each rank are let in: fewer when calls have to queue or the server gets short of time, more when they don't. */
import type { Millis } from "../domain/time.ts";
import { RANKS, type Rank } from "../rpc/rank.ts";
import type { LoopLoad } from "./loop_load.ts";

export interface RankLimits {
  /** Lets a call in: to be called when it is answered. Calling that twice is safe. Null: it is refused. */
  enter(rank: Rank): (() => void) | null;
  /** Adapts the limits to how it went since the last time. */
  adapt(load: LoopLoad): void;
  limitOf(rank: Rank): number;
}

interface Range {
  /** So much is always let in. Less than one: one at once, and not all the time. */
  readonly least: number;
  /** Where nothing queues: what arrives in one turn of the event loop must not take too long together. */
  readonly most: number;
  /** How long calls may have to queue before fewer of this rank are let in. The lower the rank, the sooner it gives way. */
  readonly patience: Millis;
  /** The share of its time that the server may be at work before fewer of this rank are let in. 1: its work is no reason. */
  readonly share: number;
}

/**
 * A list takes some milliseconds, so few of them are what lets cancels pass: they leave free what cancels that come all at once will need.
 * Reads leave free what is left of that. A cancel takes part in a commit that costs about the same for one as for many, so refusing a few
 * of them helps nobody.
 */
const RANGES: Readonly<Record<Rank, Range>> = {
  critical: { least: 2_048, most: 4_096, patience: 1_000, share: 1 },
  // As many as one connection may send at once: a script that registers its work in one stroke is no overload.
  write: { least: 1_000, most: 2_048, patience: 500, share: 1 },
  read: { least: 0.4, most: 256, patience: 5, share: 0.8 },
  list: { least: 0.2, most: 16, patience: 2, share: 0.7 },
};

/**
 * How many calls a limit of one lets in from one adaptation to the next. On a single thread one call at a time could still take all the
 * time there is: what bounds it is how often one may begin.
 */
const CALLS_PER_ADAPTATION = 5;

const NO_LOAD: LoopLoad = { delay: 0, busy: 0 };

/**
 * Fewer calls at once are not what keeps the server busy: it is slow because others have taken the processor or the disk, and refusing
 * would not help.
 */
const CROWD = 16;

/** What is left of a limit, at least and at most, after a time in which calls queued too long: the longer they did, the less. */
const DEEPEST_CUT = 0.25;
const LEAST_CUT = 0.9;

/** What is left of a limit after one such time, at least, however little of it was used: one bad moment is no overload. */
const STEEPEST_FALL = 1 / 8;

/** By how much a limit grows after a time in which they did not. */
const GROWTH = 1.05;

/**
 * For how many adaptations a call counts as in service. What has been under way for longer waits for something else: a worker that
 * stops, a listener that completes, a job.
 */
const SERVICE_TIME = 25;

interface RankState {
  readonly range: Range;
  limit: number;
  /** The calls in service by when they came, the latest last. */
  readonly generations: Generation[];
  inService: number;
  /** The most there were in service since the last adaptation. */
  peak: number;
  /** How many were let in since then. */
  begun: number;
  /** How many were refused since then. */
  refused: number;
}

interface Generation {
  calls: number;
}

export function createRankLimits(): RankLimits {
  const states: Readonly<Record<Rank, RankState>> = {
    critical: newState(RANGES.critical),
    write: newState(RANGES.write),
    read: newState(RANGES.read),
    list: newState(RANGES.list),
  };

  return {
    enter(rank) {
      const state = states[rank];
      const generation = state.generations.at(-1);
      if (generation === undefined || isFull(state)) {
        state.refused += 1;
        return null;
      }
      generation.calls += 1;
      state.begun += 1;
      state.inService += 1;
      state.peak = Math.max(state.peak, state.inService);
      let isIn = true;
      return () => {
        if (!isIn || !state.generations.includes(generation)) return;
        isIn = false;
        generation.calls -= 1;
        state.inService -= 1;
      };
    },
    adapt(load) {
      const crowd = RANKS.reduce((sum, rank) => sum + states[rank].peak + states[rank].refused, 0);
      for (const rank of RANKS) {
        adaptLimit(states[rank], crowd < CROWD ? NO_LOAD : load);
        age(states[rank]);
      }
    },
    limitOf: (rank) => states[rank].limit,
  };
}

function newState(range: Range): RankState {
  return { range, limit: range.most, generations: [{ calls: 0 }], inService: 0, peak: 0, begun: 0, refused: 0 };
}

function isFull({ limit, inService, begun }: RankState): boolean {
  return inService >= Math.max(1, limit) || begun >= limit * CALLS_PER_ADAPTATION;
}

function adaptLimit(state: RankState, { delay, busy }: LoopLoad): void {
  const { least, most, patience, share } = state.range;
  if (delay <= patience && busy <= share) {
    state.limit = Math.min(most, state.limit * GROWTH);
    return;
  }
  // A rank without calls is not what keeps the others waiting.
  if (state.begun === 0) return;
  const wanted = Math.min(delay > patience ? patience / delay : 1, busy > share ? (1 - busy) / (1 - share) : 1);
  const left = Math.min(LEAST_CUT, Math.max(DEEPEST_CUT, wanted));
  state.limit = Math.max(least, state.limit * STEEPEST_FALL, usedOf(state) * left);
}

/** As much of the limit as was used. */
function usedOf({ limit, peak, begun }: RankState): number {
  return Math.min(limit, Math.max(peak, begun / CALLS_PER_ADAPTATION));
}

function age(state: RankState): void {
  state.generations.push({ calls: 0 });
  if (state.generations.length > SERVICE_TIME) state.inService -= state.generations.shift()?.calls ?? 0;
  state.peak = state.inService;
  state.begun = 0;
  state.refused = 0;
}
