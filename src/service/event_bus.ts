/** Wakes whoever waits for something to be committed: callers, watchers, long polls. */

import type { ExecutionKey } from "../domain/execution.ts";
import { keyOf } from "../domain/execution.ts";
import type { Applied } from "../store/store.ts";

export type Listener = (applied: Applied) => void;

/** An execution that somebody listens to. */
interface Watched {
  readonly key: ExecutionKey;
  readonly followers: Set<Listener>;
  readonly watchers: Set<Listener>;
  /** The last event that its watchers were told of, or its followers if it has none; 0: none yet. */
  lastSequence: number;
}

/** A subject that can be listened to. */
export type Topic = string;

/** Listener jobs of a tenant that can be taken, now or soon. */
export function listenerJobTopic(tenant: string): Topic {
  return `listener_job\u0000${tenant}`;
}

/** Cancellations that end, of all executions. */
export const CANCELLATION_ENDS: Topic = "cancellation_ends";

export class EventBus {
  readonly #listeners = new Map<Topic, Set<Listener>>();
  /** The executions that somebody listens to, by `keyOf`. */
  readonly #watched = new Map<string, Watched>();

  /** The executions that somebody listens to. */
  get watched(): Iterable<Readonly<Pick<Watched, "key" | "lastSequence">>> {
    return this.#watched.values();
  }

  /** True if somebody listens to just this execution. */
  isWatched(key: ExecutionKey): boolean {
    return this.#watched.has(keyOf(key));
  }

  /** True if somebody listens to the execution who needs every event of it, in order. */
  hasWatchers(key: ExecutionKey): boolean {
    return (this.#watched.get(keyOf(key))?.watchers.size ?? 0) > 0;
  }

  /** True if somebody would be told of what happens to the execution. */
  hasListeners(key: ExecutionKey): boolean {
    return this.isWatched(key) || this.#listeners.has(listenerJobTopic(key.tenant));
  }

  /** The last event that the watchers of the execution were told of; 0: none yet. */
  lastSequenceOf(key: ExecutionKey): number {
    return this.#watched.get(keyOf(key))?.lastSequence ?? 0;
  }

  /**
   * Calls `listener` soon after each commit that concerns the execution, until the returned function is called. Where several processes
   * commit, it may be told of them late and in another order.
   */
  follow(key: ExecutionKey, listener: Listener): () => void {
    return this.#subscribeToExecution(key, "followers", listener);
  }

  /**
   * Calls `listener` with every event of the execution that is committed from now on, in order, until the returned function is called;
   * also with some that were committed before. With the events comes the execution as the last of them left it.
   */
  watch(key: ExecutionKey, listener: Listener): () => void {
    return this.#subscribeToExecution(key, "watchers", listener);
  }

  /** Calls `listener` for each commit that concerns the topic, until the returned function is called. */
  subscribe(topic: Topic, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }

  /** Tells everybody what was committed. To be called in the order of the commits to each execution. */
  publish(applied: Applied): void {
    const { execution, events } = applied;
    if (execution === null || events.length === 0) return;
    const watched = this.#watched.get(keyOf(execution.key));
    if (watched !== undefined) {
      watched.lastSequence = Math.max(watched.lastSequence, events.at(-1)?.sequence ?? 0);
      tell(watched.watchers, applied);
    }
    this.#tellOthers(applied, watched);
  }

  /** The same for a commit before which another may have come that is not told yet: the watchers are told of both later. */
  publishEarly(applied: Applied): void {
    const { execution, events } = applied;
    if (execution === null || events.length === 0) return;
    this.#tellOthers(applied, this.#watched.get(keyOf(execution.key)));
  }

  #tellOthers(applied: Applied, watched: Watched | undefined): void {
    if (watched !== undefined) tell(watched.followers, applied);
    if (applied.events.some(({ type }) => type === "cancellation_ended")) {
      tell(this.#listeners.get(CANCELLATION_ENDS), applied);
    }
    const { execution } = applied;
    if (execution?.cancellation?.listenerJob?.state === "available") {
      tell(this.#listeners.get(listenerJobTopic(execution.key.tenant)), applied);
    }
  }

  #subscribeToExecution(key: ExecutionKey, as: "followers" | "watchers", listener: Listener): () => void {
    const name = keyOf(key);
    const watched = this.#watched.get(name) ?? { key, followers: new Set(), watchers: new Set(), lastSequence: 0 };
    this.#watched.set(name, watched);
    watched[as].add(listener);
    return () => {
      watched[as].delete(listener);
      const isAlone = watched.followers.size + watched.watchers.size === 0;
      if (isAlone && this.#watched.get(name) === watched) this.#watched.delete(name);
    };
  }
}

function tell(listeners: ReadonlySet<Listener> | undefined, applied: Applied): void {
  if (listeners === undefined) return;
  // A listener may leave when it is told.
  for (const listener of [...listeners]) listener(applied);
}
