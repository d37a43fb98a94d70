/**
 * What comes and goes all the time, in no order. A Set would do, but for the tables that it leaves behind as things come and go: each
 * refers to the next one, and to all that was in it. Once one of them is old, everything after it lives until the whole heap is collected.
 */
export class Bag<T> {
  readonly #slots: Slot<T>[] = [];

  get size(): number {
    return this.#slots.length;
  }

  /** The returned function takes it out again. Calling that twice is safe. */
  add(value: T): () => void {
    const slot: Slot<T> = { value, index: this.#slots.length };
    this.#slots.push(slot);
    return () => this.#remove(slot);
  }

  /** What is in it now. */
  values(): T[] {
    return this.#slots.map(({ value }) => value);
  }

  #remove(slot: Slot<T>): void {
    if (this.#slots[slot.index] !== slot) return;
    const last = this.#slots.pop();
    if (last === undefined || last === slot) return;
    last.index = slot.index;
    this.#slots[slot.index] = last;
  }
}

interface Slot<T> {
  readonly value: T;
  /** Where it is. */
  index: number;
}
