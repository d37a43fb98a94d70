/**
 * Tells watchers every event of an execution in its order, whoever committed it. What is committed here through the command queue is told
 * as it comes, as long as nobody else commits; everything else is read from the store.
 */
import type { Logger } from "pino";
import { type Execution, type ExecutionKey, keyOf } from "../domain/execution.ts";
import type { Applied, Store, StoredEvent } from "../store/store.ts";
import type { EventBus } from "./event_bus.ts";

/** A timeline is read in parts. */
const EVENTS_AT_ONCE = 500;

export interface TimelinesOptions {
  readonly store: Pick<Store, "findExecution" | "listEvents" | "notices">;
  readonly bus: EventBus;
  readonly logger: Logger;
}

/** The news of one execution, while they are read and told. */
interface Reading {
  /** Where to begin if nothing was told yet. */
  afterSequence: number;
  /** True if there are more since the last look began. */
  isBehind: boolean;
  done: Promise<void>;
}

export class Timelines {
  readonly #options: TimelinesOptions;
  readonly #readings = new Map<string, Reading>();

  constructor(options: TimelinesOptions) {
    this.#options = options;
  }

  /** Tells what the command queue has committed. */
  publish(applied: Applied): void {
    const { store, bus } = this.#options;
    const { execution, events } = applied;
    const [first] = events;
    if (execution === null || first === undefined) return;
    // Others may have committed something before it that was not told yet.
    if (store.notices !== null && bus.hasWatchers(execution.key)) {
      bus.publishEarly(applied);
      void this.read(execution.key, first.sequence - 1);
    } else bus.publish(applied);
  }

  /**
   * Tells what was committed about an execution, as the store has it. Resolves when that is done, or could not be done and is logged.
   *
   * @param afterSequence what came before this is known to have been told, or to have come before anybody listened
   */
  read(key: ExecutionKey, afterSequence: number): Promise<void> {
    const name = keyOf(key);
    const earlier = this.#readings.get(name);
    if (earlier !== undefined) {
      earlier.isBehind = true;
      earlier.afterSequence = Math.min(earlier.afterSequence, afterSequence);
      return earlier.done;
    }
    const reading: Reading = { afterSequence, isBehind: true, done: Promise.resolve() };
    this.#readings.set(name, reading);
    reading.done = this.#readAll(key, reading);
    return reading.done;
  }

  /** Resolves when everything that is being read is told. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#readings.values(), ({ done }) => done));
  }

  async #readAll(key: ExecutionKey, reading: Reading): Promise<void> {
    const { bus, logger } = this.#options;
    try {
      while (reading.isBehind) {
        reading.isBehind = false;
        await this.#readOnce(key, bus.lastSequenceOf(key) || reading.afterSequence);
      }
    } catch (error) {
      logger.warn({ err: error, execution: key }, "what happened to an execution can't be told to those who watch it");
    } finally {
      this.#readings.delete(keyOf(key));
    }
  }

  async #readOnce(key: ExecutionKey, afterSequence: number): Promise<void> {
    const { store, bus } = this.#options;
    const events: StoredEvent[] = [];
    let execution: Execution | null = null;
    for (;;) {
      const more = await this.#eventsAfter(key, events.at(-1)?.sequence ?? afterSequence);
      // Nothing came while the execution was read: it is as the last event left it.
      if (more.length === 0) break;
      events.push(...more);
      execution = await store.findExecution(key);
    }
    if (events.length > 0) bus.publish(changeOf(execution, events));
  }

  async #eventsAfter(key: ExecutionKey, afterSequence: number): Promise<readonly StoredEvent[]> {
    const { store } = this.#options;
    return store.listEvents({ key, cancellationId: null, afterSequence, upToSequence: null, limit: EVENTS_AT_ONCE });
  }
}

function changeOf(execution: Applied["execution"], events: Applied["events"]): Applied {
  return {
    reply: { accepted: true, disposition: "unchanged" },
    execution,
    events,
    effects: [],
    replay: null,
    upToSequence: null,
  };
}
