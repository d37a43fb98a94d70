/** A bounded queue between what pushes and one reader. */
import { Refused, refusal } from "../domain/refusal.ts";

/** What may wait for the reader. One that has fallen further behind is not reading any more. */
export interface Backlog<T> {
  readonly items: number;
  readonly bytes: number;
  /** About how much memory an item holds; asked only for items that have to wait behind others. */
  readonly bytesOf: (item: T) => number;
}

/** Items pushed at one end come out at the other. A reader that falls too far behind gets `watcher_too_slow`. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #most: Backlog<T>;
  #items: { readonly item: T; readonly bytes: number }[] = [];
  #bytes = 0;
  #closed = false;
  #failure: Refused | null = null;
  #wake: (() => void) | null = null;

  /** @param most what may wait */
  constructor(most: Backlog<T>) {
    this.#most = most;
  }

  push(item: T): void {
    if (this.#closed) return;
    const bytes = this.#items.length === 0 ? 0 : this.#most.bytesOf(item);
    if (this.#items.length >= this.#most.items || this.#bytes + bytes > this.#most.bytes) {
      this.#drop();
      return;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    this.#wake?.();
  }

  /** The reader gets what was pushed before, and then the end. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const next = this.#items.shift();
      if (next !== undefined) {
        this.#bytes -= next.bytes;
        yield next.item;
      } else if (this.#closed) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** What waits is let go at once: the reader may not come for it for a long time. */
  #drop(): void {
    this.#items = [];
    this.#bytes = 0;
    const message = "the stream was read too slowly and is dropped; resume after the last sequence received";
    this.#failure = new Refused(refusal("watcher_too_slow", message));
    this.close();
  }
}
