/** A bounded queue between what pushes and one reader. */
import { Refused, refusal } from "../domain/refusal.ts";

/** A reader that has fallen this far behind is not reading any more. */
const CAPACITY = 1_000;

/** Items pushed at one end come out at the other. A reader that falls too far behind gets `watcher_too_slow`. */
export class Channel<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #closed = false;
  #failure: Refused | null = null;
  #wake: (() => void) | null = null;

  push(item: T): void {
    if (this.#closed) return;
    if (this.#items.length >= CAPACITY) {
      this.#items = [];
      this.#failure = new Refused(
        refusal(
          "watcher_too_slow",
          "the stream was read too slowly and is dropped; resume after the last sequence received",
        ),
      );
      this.close();
      return;
    }
    this.#items.push(item);
    this.#wake?.();
  }

  /** The reader gets what was pushed before, and then the end. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const items = this.#items;
      this.#items = [];
      yield* items;
      if (this.#items.length > 0) continue;
      if (this.#closed) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (this.#failure !== null) throw this.#failure;
  }
}
