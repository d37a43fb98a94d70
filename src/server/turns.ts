/**
 * Lets calls begin one after another, each in a turn of the event loop of its own, and leaves the others time in between. What arrives in
 * the meantime waits for one of them, not for all that came before it.
 */
import { performance } from "node:perf_hooks";
import type { Millis } from "../domain/time.ts";

export interface Turns {
  /** Resolves when the call may begin. */
  take(): Promise<void>;
}

/**
 * How many times as long as a call took the others have for themselves after it, if they have so much to do: more than they need at five
 * times the load that the server sustains, so that no queue of them builds up until calls are refused.
 */
const SHARE_OF_OTHERS = 3;

/** A turn in which nothing has arrived takes no longer. */
const QUIET_TURN: Millis = 0.1;

/** @param now as of `performance.now` */
export function createTurns(now: () => Millis = () => performance.now()): Turns {
  const waiting: (() => void)[] = [];
  let isFree = true;

  const beginNext = (): void => {
    isFree = waiting.length === 0;
    if (isFree) return;
    let begunAt: Millis = 0;
    setImmediate(() => {
      begunAt = now();
      waiting.shift()?.();
    });
    // In the same turn, right after all that the call could do at once.
    setImmediate(() => leaveTime(SHARE_OF_OTHERS * (now() - begunAt), now, beginNext));
  };

  return {
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        if (isFree) beginNext();
      }),
  };
}

/** Calls back when so much time has passed, or a turn in which nobody had anything to do. */
function leaveTime(time: Millis, now: () => Millis, then: () => void): void {
  let turnBeganAt = now();
  const until = turnBeganAt + time;
  const look = (): void => {
    const at = now();
    const isOver = at >= until || at - turnBeganAt < QUIET_TURN;
    turnBeganAt = at;
    if (isOver) then();
    else setImmediate(look);
  };
  setImmediate(look);
}
