/** When calls arrive: as those of many callers do that know nothing of each other. */
import { CALL_CLASSES, type CallClass, MIX } from "./order.ts";

export interface ArrivingCall {
  /** In milliseconds from the start on. */
  readonly at: number;
  readonly sort: CallClass;
}

/** The same for the same rate, so that runs compare. */
const SEED = 20_260_101;

/** Calls at random times, so many a second in the mean, in the mix of MIX. */
export function* arrivals(rate: number, seconds: number): Generator<ArrivingCall> {
  const random = randomFrom(SEED);
  const sorts = CALL_CLASSES.flatMap((sort) => Array<CallClass>(MIX[sort]).fill(sort));
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) / rate) * 1000;
    if (at >= seconds * 1000) return;
    const sort = sorts[Math.floor(random() * sorts.length)];
    if (sort !== undefined) yield { at, sort };
  }
}

/** Numbers in [0, 1), the same for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
