/** The batch runner: works batch operations off, a chunk of items at a time, and notes what became of each. */
import type { Logger } from "pino";
import { itemEndOf } from "../domain/batch_operation.ts";
import type { Cancel } from "../domain/command.ts";
import type { ExecutionKey } from "../domain/execution.ts";
import { DEFAULT_FORCE_AFTER, KIND_RULES } from "../domain/kind_rules.ts";
import { Refused } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { AuditCall } from "../store/audit.ts";
import type { BatchOperations, ClaimedItems, EndedItem, NewBatchOperation } from "../store/batch_operations.ts";
import type { Applied } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import type { CommandQueue } from "./command_queue.ts";
import { CANCELLATION_ENDS, type EventBus } from "./event_bus.ts";
import { mintUuid } from "./ids.ts";
import { passed } from "./passed.ts";

/** One transaction's worth of commands: what a caller of a single cancel may have to wait for at most. */
const CHUNK = 500;

/** How long to wait after the store failed. */
const STORE_RETRY: Millis = 1_000;

/** How often to look where other processes have the store open too: what they leave undone when they die is told by nobody. */
const LOOK_EVERY: Millis = 1_000;

export interface BatchRunnerOptions {
  readonly batches: BatchOperations;
  /** True where other processes work off the same batch operations. */
  readonly isShared: boolean;
  /** How long whoever took items has to submit their cancels, before they count as forgotten. */
  readonly claim: Millis;
  readonly queue: CommandQueue;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * An item is active in the store before its cancel is submitted, and settled when its cancellation ends. So a runner that starts again
 * knows which items may have missed either: it submits them again, and a repeated cancel joins. Where several runners share a store, each
 * looks from time to time for what another one that died has left behind, and for ends that were decided elsewhere.
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
  #isAwake = false;
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
    const { logger } = this.#options;
    const { signal } = this.#stopping;
    while (this.#isAwake && !signal.aborted) {
      this.#isAwake = false;
      try {
        if (this.#isBehind) await this.#catchUp();
        while ((await this.#step()) && !signal.aborted);
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
    const { batches, clock, isShared, claim } = this.#options;
    this.#isFollowing = await batches.hasActive();
    // What another process has just taken is in good hands.
    if (this.#isFollowing) await batches.release(clock.now(), isShared ? clock.now() - claim : null);
    while (this.#isFollowing) {
      const executions = await batches.listEnded(CHUNK);
      const ended = executions.flatMap((execution) => endedItemsOf(execution.key, itemEndOf(execution)));
      if (ended.length === 0) break;
      await batches.settle(ended, clock.now());
    }
    this.#isBehind = false;
  }

  /** Notes what has ended, and cancels the next chunk. False if there was neither. */
  async #step(): Promise<boolean> {
    const { batches, clock } = this.#options;
    const ended = this.#ended.splice(0, CHUNK);
    if (ended.length > 0) await batches.settle(ended, clock.now());
    const claimed = await batches.claim(CHUNK, clock.now());
    if (claimed !== null) await this.#cancel(claimed);
    if (ended.length > 0 || claimed !== null) return true;
    this.#isFollowing = await batches.hasActive();
    return false;
  }

  async #cancel({ batch, keys }: ClaimedItems): Promise<void> {
    this.#isFollowing = true;
    const ended = await Promise.all(keys.map((key) => this.#cancelOne(batch, key)));
    this.#ended.push(...ended.flat());
  }

  /** Empty if the item's cancellation has yet to end, or the event bus has told of its end. */
  async #cancelOne(batch: NewBatchOperation, key: ExecutionKey): Promise<EndedItem[]> {
    const { queue, logger } = this.#options;
    try {
      const command = cancelOf(batch, key);
      const applied = await queue.submitOwed({
        key,
        command,
        idempotency: null,
        effectId: null,
        audit: auditOf(batch),
      });
      return endedItemsOf(key, endOfReply(applied));
    } catch (error) {
      // The store can't be written: that is no fault of the item, and its turn comes again.
      if (error instanceof Refused) throw error;
      logger.error({ err: error, execution: key, batch: batch.key }, "an item of a batch operation can't be cancelled");
      return [{ key, end: { state: "failed", message: "internal error" } }];
    }
  }
}

/** Whoever asked for the batch operation answers for each of its items. */
function auditOf({ key, principal }: NewBatchOperation): AuditCall {
  return { action: "CancelProcessInstance", principal, name: `batch operation ${key}`, address: "", requestId: "" };
}

function cancelOf(batch: NewBatchOperation, { kind }: ExecutionKey): Cancel {
  return {
    type: "cancel",
    cancellationId: mintUuid(),
    strategy: KIND_RULES[kind].defaultStrategy,
    forceAfter: DEFAULT_FORCE_AFTER,
    reason: `batch operation ${batch.key}`,
    requestedBy: { system: "", user: batch.principal, metadata: {} },
    parentCancellationId: null,
    operationReference: batch.operationReference,
  };
}

/** What became of an item before its cancel, or of the cancel itself; null if the event bus tells it, now or later. */
function endOfReply({ reply, execution }: Applied): EndedItem["end"] | null {
  if (!reply.accepted) return { state: "failed", message: reply.refusal.message };
  if (reply.disposition === "applied") return null;
  return execution === null ? null : itemEndOf(execution);
}

function endedItemsOf(key: ExecutionKey, end: EndedItem["end"] | null): EndedItem[] {
  return end === null ? [] : [{ key, end }];
}
