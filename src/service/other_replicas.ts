/** What other processes on the same store do, for those who wait for it here: through notices, and by looking where one got lost. */
import type { Logger } from "pino";
import { keyOf } from "../domain/execution.ts";
import { signalFor } from "../domain/signal.ts";
import type { Millis } from "../domain/time.ts";
import type { WorkerEngine } from "../engines/worker_engine.ts";
import type { Notice, Notices } from "../store/notices.ts";
import type { Store } from "../store/store.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { EventBus } from "./event_bus.ts";
import type { Timelines } from "./timelines.ts";

/** How long something that happened elsewhere stays unseen at most, if its notice got lost. */
const LOOK_EVERY: Millis = 1_000;

export interface OtherReplicasOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly bus: EventBus;
  readonly timelines: Timelines;
  readonly queue: CommandQueue;
  readonly workers: WorkerEngine;
  readonly logger: Logger;
}

export class OtherReplicas {
  readonly #options: OtherReplicasOptions;
  readonly #underWay = new Set<Promise<void>>();
  #stopListening = (): void => {};
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;

  constructor(options: OtherReplicasOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopListening = this.#options.notices.listen((notice) => this.#hear(notice));
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
  }

  async stop(): Promise<void> {
    this.#stopListening();
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#underWay);
  }

  #hear(notice: Notice): void {
    switch (notice.type) {
      case "changes":
        for (const { key, from } of notice.changes) {
          if (this.#options.bus.hasListeners(key)) void this.#options.timelines.read(key, from - 1);
        }
        return;
      case "order":
        this.#track(this.#deliver(notice));
        return;
      case "missed":
        this.#look();
        return;
      case "keys":
        // The gate's own business.
        return;
    }
  }

  /** Looks at everything that somebody waits for. */
  #look(): void {
    this.#looking ??= this.#lookAtWatched().finally(() => {
      this.#looking = null;
    });
  }

  async #lookAtWatched(): Promise<void> {
    const { bus, store, timelines, logger } = this.#options;
    const seen = new Map(Array.from(bus.watched, (watched) => [keyOf(watched.key), watched]));
    if (seen.size === 0) return;
    try {
      const keys = Array.from(seen.values(), ({ key }) => key);
      for (const { key, sequence } of await store.lastSequences(keys)) {
        const { lastSequence = 0 } = seen.get(keyOf(key)) ?? {};
        if (sequence > lastSequence) await timelines.read(key, lastSequence);
      }
    } catch (error) {
      logger.warn({ err: error }, "what other replicas do can't be looked at; trying again");
    }
  }

  /** Takes a stop order to its worker, if that is attached here. */
  async #deliver({ workerId, key, effectId }: Extract<Notice, { type: "order" }>): Promise<void> {
    const { store, workers, queue } = this.#options;
    if (!workers.isAttached(key.tenant, workerId)) return;
    const execution = await store.findExecution(key);
    const cancellation = execution?.cancellation;
    if (execution === null || cancellation == null || execution.lease === null) return;
    const signal = signalFor(execution, execution.lease.token);
    if (signal !== "stop" && signal !== "terminate") return;
    const delivery = await workers.requestStop(execution);
    if (delivery.type !== "delivered") return;
    await queue.submitOwed({
      key,
      command: { type: "signal_delivered", cancellationId: cancellation.id, signal },
      idempotency: null,
      effectId,
      audit: null,
    });
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, "a notice of another replica can't be followed"),
      )
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}
