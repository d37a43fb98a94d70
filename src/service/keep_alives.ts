/** Calls each of many functions from time to time, spread over that time, with one timer for all. */
import type { Millis } from "../domain/time.ts";

/** How many times the functions are called in groups: thousands in one go would hold up everything else. */
const GROUPS = 100;

export class KeepAlives {
  readonly #every: Millis;
  readonly #groups: readonly Set<() => void>[] = Array.from({ length: GROUPS }, () => new Set());
  #count = 0;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param every how often each function is called */
  constructor(every: Millis) {
    this.#every = every;
  }

  /** Calls `keepAlive` from now on, until the returned function is called. */
  add(keepAlive: () => void): () => void {
    // The one whose turn was last: so the first call comes when the whole time has passed.
    const group = this.#groups[this.#turn];
    if (group === undefined) throw new Error(`there is no group ${this.#turn}`);
    group.add(keepAlive);
    this.#count += 1;
    this.#timer ??= setInterval(() => this.#callNext(), this.#every / GROUPS);
    return () => {
      if (!group.delete(keepAlive)) return;
      this.#count -= 1;
      if (this.#count > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #callNext(): void {
    this.#turn = (this.#turn + 1) % GROUPS;
    for (const keepAlive of this.#groups[this.#turn] ?? []) keepAlive();
  }
}
