/** A bounded queue between what pushes and one reader. */
import { Refused, refusal } from "../domain/refusal.ts";

/** What may wait for the reader. One that has fallen further behind is not reading any more. */
export interface Backlog<T> {
  readonly items: number;
  readonly bytes: number;
  /** About how much memory an item holds; asked only for items that have to wait behind others. */
  readonly bytesOf: (item: T) => number;
}

/**
 * Items pushed at one end come out at the other. A reader that falls too far behind gets `watcher_too_slow`. One reader, who asks for an
 * item when it has the one before; an async generator would hold more memory while it waits, and there are thousands of these.
 */
export class Channel<T> implements AsyncIterableIterator<T> {
  readonly #most: Backlog<T>;
  #items: { readonly item: T; readonly bytes: number }[] = [];
  #bytes = 0;
  #closed = false;
  #failure: Refused | null = null;
  /** Answers the reader, who waits for an item. */
  #answer: ((part: IteratorResult<T>) => void) | null = null;

  /** @param most what may wait */
  constructor(most: Backlog<T>) {
    this.#most = most;
  }

  /** True once nothing more can be pushed. */
  get isClosed(): boolean {
    return this.#closed;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#answer !== null) {
      this.#answer({ done: false, value: item });
      this.#answer = null;
      return;
    }
    const bytes = this.#items.length === 0 ? 0 : this.#most.bytesOf(item);
    if (this.#items.length >= this.#most.items || this.#bytes + bytes > this.#most.bytes) {
      this.#drop();
      return;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
  }

  /** The reader gets what was pushed before, and then the end. */
  close(): void {
    this.#closed = true;
    this.#answer?.({ done: true, value: undefined });
    this.#answer = null;
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#items.shift();
    if (next !== undefined) {
      this.#bytes -= next.bytes;
      return Promise.resolve({ done: false, value: next.item });
    }
    const failure = this.#failure;
    // It fails once.
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure);
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  /** The reader wants no more. */
  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.#bytes = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
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
