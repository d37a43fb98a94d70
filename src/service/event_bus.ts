/** Wakes whoever waits for something to be committed: callers, watchers, long polls. */

import type { ExecutionKey } from "../domain/execution.ts";
import { keyOf } from "../domain/execution.ts";
import type { Applied } from "../store/store.ts";

export type Listener = (applied: Applied) => void;

/** A subject that can be listened to. */
export type Topic = string;

/** All that happens to one execution. */
export function executionTopic(key: ExecutionKey): Topic {
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
    this.#tell(executionTopic(execution.key), applied);
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
