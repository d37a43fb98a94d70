/** Streams of messages with somebody beside them, who hears of their failure and of their end. */

/** Whoever stands beside a stream. */
export interface Companion {
  /** Before the first message is asked for. If it throws, the stream fails with that, and the companion hears no more of it. */
  readonly onBegin?: () => void;
  /** The stream fails: returns what it is to fail with. */
  readonly onFailure?: (cause: unknown) => unknown;
  /** The stream has come to its end. If it throws, the stream fails with that. */
  readonly onComplete?: () => void;
  /** The stream is over, whatever the reason. */
  readonly onOver?: () => void;
}

/**
 * The stream with one more companion, who stands outside of those it has: failures reach it as they have left them.
 *
 * An async generator would do the same, and hold about a KiB while it waits: five of them, in each of thousands of streams that are idle.
 */
export function accompanied<T>(messages: AsyncIterable<T>, companion: Companion): AsyncIterable<T> {
  if (messages instanceof Accompanied) return messages.beside(companion);
  return new Accompanied<T, T>(messages, same, [companion]);
}

/** The stream of what `map` makes of each message. */
export function mapped<From, To>(messages: AsyncIterable<From>, map: (message: From) => To): AsyncIterable<To> {
  return new Accompanied<From, To>(messages, map, []);
}

function same<T>(message: T): T {
  return message;
}

class Accompanied<From, To> implements AsyncIterableIterator<To> {
  readonly #messages: AsyncIterable<From>;
  readonly #map: (message: From) => To;
  /** From the inside out. */
  readonly #companions: readonly Companion[];
  #iterator: AsyncIterator<From> | null = null;
  /** The innermost companion that knows of the beginning. */
  #innermost = 0;
  #isOver = false;

  constructor(messages: AsyncIterable<From>, map: (message: From) => To, companions: readonly Companion[]) {
    this.#messages = messages;
    this.#map = map;
    this.#companions = companions;
  }

  /** To be asked before the first message is. */
  beside(companion: Companion): Accompanied<From, To> {
    return new Accompanied(this.#messages, this.#map, [...this.#companions, companion]);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async return(): Promise<IteratorResult<To>> {
    await this.#leave();
    return { done: true, value: undefined };
  }

  next(): Promise<IteratorResult<To>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    if (this.#iterator === null) {
      const failed = this.#begin();
      if (failed !== null) return failed;
    }
    const part = this.#iterator?.next();
    if (part === undefined) throw new Error("the stream has not begun");
    return part.then(this.#take, this.#fail);
  }

  /** From the outside in. Null: it has begun. */
  #begin(): Promise<IteratorResult<To>> | null {
    for (const [index, { onBegin }] of [...this.#companions.entries()].reverse()) {
      try {
        onBegin?.();
      } catch (cause) {
        this.#innermost = index + 1;
        return this.#failFrom(index + 1, cause);
      }
    }
    this.#iterator = this.#messages[Symbol.asyncIterator]();
    return null;
  }

  readonly #take = (part: IteratorResult<From>): IteratorResult<To> | Promise<IteratorResult<To>> => {
    try {
      if (part.done !== true) return { done: false, value: this.#map(part.value) };
    } catch (cause) {
      return this.#failFrom(0, cause);
    }
    for (const [index, { onComplete }] of this.#companions.entries()) {
      try {
        onComplete?.();
      } catch (cause) {
        return this.#failFrom(index + 1, cause);
      }
    }
    this.#end();
    return { done: true, value: undefined };
  };

  readonly #fail = (cause: unknown): Promise<IteratorResult<To>> => {
    this.#iterator = null;
    return this.#failFrom(0, cause);
  };

  /** @param first the innermost companion that hears of the failure */
  async #failFrom(first: number, cause: unknown): Promise<never> {
    const failure = this.#companions
      .slice(first)
      .reduce((reason: unknown, { onFailure }) => (onFailure === undefined ? reason : onFailure(reason)), cause);
    await this.#leave();
    throw failure;
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    const iterator = this.#iterator;
    this.#end();
    await iterator?.return?.();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { onOver } of this.#companions.slice(this.#innermost)) onOver?.();
  }
}
