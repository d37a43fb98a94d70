/** The batch runner: works batch operations off, a chunk of items at a time, and notes what became of each. */
import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import { type ItemEnd, itemEndOf } from "../domain/batch_operation.ts";
import type { ExecutionKey } from "../domain/execution.ts";
import { Refused } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { BatchOperations, CancelledItems, EndedItem } from "../store/batch_operations.ts";
import type { Applied } from "../store/store.ts";
import { ChunkSize, MOST_ITEMS } from "./chunk_size.ts";
import type { Clock } from "./clock.ts";
import { CANCELLATION_ENDS, type EventBus } from "./event_bus.ts";
import { mintUuid } from "./ids.ts";
import { passed } from "./passed.ts";
import type { Timelines } from "./timelines.ts";

/** How many items are worked off in one transaction where those are written beside each other, and nobody waits for this one. */
const WITHOUT_HASTE = 500;

/** After how long without a single command none is expected. */
const CALM: Millis = 500;

/** How long to wait after the store failed. */
const STORE_RETRY: Millis = 1_000;

/** How often to look where other processes have the store open too: what they leave undone when they die is told by nobody. */
const LOOK_EVERY: Millis = 1_000;

export interface BatchRunnerOptions {
  readonly batches: BatchOperations;
  /** True where other processes work off the same batch operations. */
  readonly isShared: boolean;
  /** Resolves when the store has been given the commands that wait now: a chunk goes behind them. */
  readonly commandsHandedOver: () => Promise<void>;
  /** When the latest of those came that a caller waits for; 0: none has come yet. */
  readonly latestCommandAt: () => Millis;
  /** Told what was committed. */
  readonly onCommitted: (applied: readonly Applied[]) => void;
  readonly bus: EventBus;
  readonly timelines: Timelines;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * An item is pending until the transaction that decides its cancel, and active from then on, until its cancellation has ended and that is
 * noted. So nothing but that note can be missing when a runner starts again. Where several runners share a store, each looks from time to
 * time for ends that were decided elsewhere.
 */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #stopping = new AbortController();
  /** What has ended and is not noted in the store yet. */
  #ended: EndedItem[] = [];
  /** False while no item is active: then no end matters. */
  #isFollowing = true;
  /** True until the store is known to agree with what happened. */
  #isBehind = true;
  /** True once what a crash may have left behind is put right. */
  #isRight = false;
  #isAwake = false;
  readonly #chunk = new ChunkSize();
  /** How many items are yet to be cancelled one by one, because one of them is at fault for the failure of a whole chunk. */
  #oneByOne = 0;
  #running: Promise<void> | null = null;
  #looking: NodeJS.Timeout | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
  }

  /** Goes on where the process before stopped. */
  start(): void {
    this.#unsubscribe = this.#options.bus.subscribe(CANCELLATION_ENDS, (applied) => this.#noteEnd(applied));
    if (this.#options.isShared) this.#looking = setInterval(() => this.#look(), LOOK_EVERY);
    this.wake();
  }

  /** There may be items to cancel. */
  wake(): void {
    if (this.#stopping.signal.aborted) return;
    this.#isAwake = true;
    this.#running ??= this.#run();
  }

  /** Takes no more items, and resolves when the cancels under way are decided. The rest waits in the store. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    clearInterval(this.#looking);
    this.#stopping.abort();
    await this.#running;
  }

  #look(): void {
    this.#isBehind = true;
    this.wake();
  }

  #noteEnd({ execution }: Applied): void {
    if (!this.#isFollowing || execution === null) return;
    const end = itemEndOf(execution);
    if (end === null) return;
    this.#ended.push({ key: execution.key, end });
    this.wake();
  }

  async #run(): Promise<void> {
    const { commandsHandedOver, logger } = this.#options;
    const { signal } = this.#stopping;
    while (this.#isAwake && !signal.aborted) {
      this.#isAwake = false;
      try {
        if (this.#isBehind) await this.#catchUp();
        // Between two chunks everybody else has a turn: callers, timers, and whatever waits in the command queue.
        while ((await this.#step()) && !signal.aborted) {
          await setImmediate();
          await commandsHandedOver();
        }
      } catch (error) {
        logger.error({ err: error }, "batch operations can't go on; trying again");
        this.#isBehind = true;
        this.#isAwake = true;
        // What ended is found again by catching up.
        this.#ended = [];
        await passed(STORE_RETRY, signal);
      }
    }
    this.#running = null;
  }

  /** Brings the items that are active in the store up to what became of their executions. */
  async #catchUp(): Promise<void> {
    const { batches, clock } = this.#options;
    this.#isFollowing = await batches.hasActive();
    if (this.#isFollowing || !this.#isRight) await batches.release(clock.now());
    this.#isRight = true;
    while (this.#isFollowing) {
      const executions = await batches.listEnded(MOST_ITEMS);
      const ended = executions.flatMap((execution) => endedItemsOf(execution.key, itemEndOf(execution)));
      if (ended.length === 0) break;
      await batches.settle(ended, clock.now());
    }
    this.#isBehind = false;
  }

  /** Notes what has ended, and cancels the next chunk. False if there was neither. */
  async #step(): Promise<boolean> {
    const { batches, clock, logger } = this.#options;
    const ended = this.#ended.splice(0, MOST_ITEMS);
    if (ended.length > 0) await batches.settle(ended, clock.now());
    const ids = Array.from({ length: this.#chunkSize() }, mintUuid);
    const cancelled = await this.#cancelNext(ids);
    if (cancelled !== null) {
      const { batchKey, unable } = cancelled;
      if (unable !== null) {
        const { key: execution, error } = unable;
        logger.error({ err: error, execution, batch: batchKey }, "an item of a batch operation can't be cancelled");
      }
      this.#publish(cancelled);
    }
    if (ended.length > 0 || cancelled !== null) return true;
    this.#isFollowing = await batches.hasActive();
    return false;
  }

  async #cancelNext(ids: readonly string[]): Promise<CancelledItems | null> {
    const { batches, clock, logger } = this.#options;
    // Ends may be told before the answer to this comes.
    this.#isFollowing = true;
    const since = performance.now();
    try {
      const cancelled = await batches.cancelNext(ids, clock.now());
      if (this.#oneByOne > 0) this.#oneByOne -= 1;
      else if (cancelled !== null) this.#chunk.adapt(performance.now() - since, this.#isAlone());
      return cancelled;
    } catch (error) {
      // If the store can't be written, that is no fault of an item.
      if (error instanceof Refused || ids.length === 1) throw error;
      logger.warn({ err: error }, "items of a batch operation can't be cancelled together; cancelling one by one");
      this.#oneByOne = ids.length;
      return await this.#cancelNext(ids.slice(0, 1));
    }
  }

  #chunkSize(): number {
    if (this.#oneByOne > 0) return 1;
    return this.#options.isShared ? WITHOUT_HASTE : this.#chunk.items;
  }

  /** True if no caller is expected to wait for the store. */
  #isAlone(): boolean {
    const { latestCommandAt, clock } = this.#options;
    return clock.now() - latestCommandAt() >= CALM;
  }

  #publish({ applied, ended }: CancelledItems): void {
    const { onCommitted, bus, timelines } = this.#options;
    onCommitted(applied);
    for (const { key, from } of ended) if (bus.isWatched(key)) void timelines.read(key, from - 1);
  }
}

function endedItemsOf(key: ExecutionKey, end: ItemEnd | null): EndedItem[] {
  return end === null ? [] : [{ key, end }];
}
