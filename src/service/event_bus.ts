/** Wakes whoever waits for something to be committed: callers, watchers, long polls. */

import type { ExecutionKey } from "../domain/execution.ts";
import { keyOf } from "../domain/execution.ts";
import type { Applied } from "../store/store.ts";

export type Listener = (applied: Applied) => void;

/** An execution that somebody listens to. */
export interface Watched {
  readonly key: ExecutionKey;
  /** The last event that the listeners were told of; 0: none yet. */
  lastSequence: number;
}

/** A subject that can be listened to. */
export type Topic = string;

/** All that happens to one execution. */
function executionTopic(key: ExecutionKey): Topic {
  return `execution\u0000${keyOf(key)}`;
}

/** Listener jobs of a tenant that can be taken, now or soon. */
export function listenerJobTopic(tenant: string): Topic {
  return `listener_job\u0000${tenant}`;
}

/** Cancellations that end, of all executions. */
export const CANCELLATION_ENDS: Topic = "cancellation_ends";

export class EventBus {
  readonly #listeners = new Map<Topic, Set<Listener>>();
  /** The executions that somebody listens to. */
  readonly #watched = new Map<Topic, Watched>();

  /** The executions that somebody listens to. */
  get watched(): Iterable<Watched> {
    return this.#watched.values();
  }

  /** True if somebody listens to just this execution. */
  isWatched(key: ExecutionKey): boolean {
    return this.#watched.has(executionTopic(key));
  }

  /** True if somebody would be told of what happens to the execution. */
  hasListeners(key: ExecutionKey): boolean {
    return this.isWatched(key) || this.#listeners.has(listenerJobTopic(key.tenant));
  }

  /** Calls `listener` for each commit that concerns the execution, until the returned function is called. */
  subscribeToExecution(key: ExecutionKey, listener: Listener): () => void {
    const topic = executionTopic(key);
    if (!this.#watched.has(topic)) this.#watched.set(topic, { key, lastSequence: 0 });
    const unsubscribe = this.subscribe(topic, listener);
    return () => {
      unsubscribe();
      if (!this.#listeners.has(topic)) this.#watched.delete(topic);
    };
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

  /** Tells the listeners what was committed. */
  publish(applied: Applied): void {
    const { execution } = applied;
    if (execution === null || applied.events.length === 0) return;
    const topic = executionTopic(execution.key);
    const watched = this.#watched.get(topic);
    if (watched !== undefined) watched.lastSequence = applied.events.at(-1)?.sequence ?? watched.lastSequence;
    this.#tell(topic, applied);
    if (applied.events.some(({ type }) => type === "cancellation_ended")) this.#tell(CANCELLATION_ENDS, applied);
    if (execution.cancellation?.listenerJob?.state === "available")
      this.#tell(listenerJobTopic(execution.key.tenant), applied);
  }

  #tell(topic: Topic, applied: Applied): void {
    const listeners = this.#listeners.get(topic);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) listener(applied);
  }
}
