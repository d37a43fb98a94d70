/** How many items of a batch operation are worked off in one transaction: as many as take one turn. */
import type { Millis } from "../domain/time.ts";

/** At first, and at the least: fewer would mostly wait for the disk. */
const LEAST = 50;
export const MOST_ITEMS = 1_000;

/**
 * How long a transaction may take: one is written at a time in a SQLite file, and single commands wait for it. While none comes there is
 * time for more, but not for so much that the next one would notice.
 */
const TURN: Millis = 4;
const TURN_ALONE: Millis = 12;

export class ChunkSize {
  #items = LEAST;

  get items(): number {
    return this.#items;
  }

  /**
   * Takes as many the next time as would have taken one turn.
   *
   * @param took how long the last chunk took
   * @param isAlone whether nobody is expected to wait
   */
  adapt(took: Millis, isAlone: boolean): void {
    const next = Math.round((this.#items * (isAlone ? TURN_ALONE : TURN)) / took);
    this.#items = Math.min(Math.max(next, LEAST), MOST_ITEMS);
  }
}
