/** The command queue: commands gather while a transaction commits, and the next transaction takes them all. */
import type { Logger } from "pino";
import type { Command } from "../domain/command.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { Applied, Envelope, Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";

/** Enough for the wait for the disk to cost each command next to nothing, few enough for a batch to take some milliseconds and not tens. */
const MAX_BATCH = 128;

/**
 * How many may be under way in a store that decides them in order: others wait their turn while one is written, so that the store need
 * not wait for this thread.
 */
const MAX_UNDER_WAY = 3;

/** How many commands must have gathered before they go beside a batch that is under way: a commit for a few of them would not pay. */
const WORTH_A_COMMIT = 32;

/** What may wait when a caller's command comes: more than this, and the command is refused. */
interface Patience {
  /** How long the command that waits longest has been waiting: about as long as the new one would. */
  readonly longest: Millis;
  readonly commands: number;
}

/** Whoever registers or starts work can do so a little later. */
const ORDINARY: Patience = { longest: 1_000, commands: 10_000 };

/** What stops work, or tells that it has stopped: late is better than not at all, as long as the caller still waits. */
const URGENT: Patience = { longest: 5_000, commands: 20_000 };

interface Waiting {
  readonly envelope: Envelope;
  readonly since: Millis;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (error: unknown) => void;
}

export interface CommandQueueOptions {
  readonly store: Pick<Store, "apply" | "decidesInOrder">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what was committed, before the callers are. */
  readonly onCommitted: (applied: readonly Applied[]) => void;
}

export class CommandQueue {
  readonly #options: CommandQueueOptions;
  #waiting: Waiting[] = [];
  #isGathering = false;
  /** How many batches are. */
  #underWay = 0;
  #closed = false;
  #latestCommandAt: Millis = 0;
  #onHandedOver: (() => void)[] = [];
  #onDrained = (): void => undefined;

  constructor(options: CommandQueueOptions) {
    this.#options = options;
  }

  /** How long the command that waits longest has been waiting; 0 if none waits. */
  get delay(): Millis {
    const [first] = this.#waiting;
    return first === undefined ? 0 : this.#options.clock.now() - first.since;
  }

  /** When the latest of those came that a caller waits for; 0: none has come yet. */
  get latestCommandAt(): Millis {
    return this.#latestCommandAt;
  }

  /** Decides a caller's command. Resolves once it is durable. Throws `overloaded` if it would have to wait too long. */
  submit(envelope: Envelope): Promise<Applied> {
    if (this.#closed) return Promise.reject(shuttingDown());
    this.#latestCommandAt = this.#options.clock.now();
    const { longest, commands } = isUrgent(envelope.command) ? URGENT : ORDINARY;
    if (this.delay > longest || this.#waiting.length >= commands) {
      return Promise.reject(
        new Refused(refusal("overloaded", "more commands are waiting than the server accepts; try again shortly")),
      );
    }
    return this.#enqueue(envelope);
  }

  /** Decides a command that carries out an effect. Never shed: it is owed, and would only come again. */
  submitOwed(envelope: Envelope): Promise<Applied> {
    return this.#closed ? Promise.reject(shuttingDown()) : this.#enqueue(envelope);
  }

  /**
   * Resolves when the store has been given what waits now: whoever is about to give it something large goes behind that. Of very many
   * commands it is the next batch.
   */
  async handedOver(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#onHandedOver.push(resolve);
    });
  }

  /** Takes no more commands, and resolves when those that were taken are decided. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isDrained()) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #isDrained(): boolean {
    return this.#underWay === 0 && this.#waiting.length === 0;
  }

  #enqueue(envelope: Envelope): Promise<Applied> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ envelope, since: this.#options.clock.now(), resolve, reject });
      this.#gather();
    });
  }

  /** Lets the requests that have arrived together get into one batch, and the answers to the last one out. */
  #gather(): void {
    if (this.#isGathering || !this.#mayApply()) return;
    this.#isGathering = true;
    setImmediate(() => {
      this.#isGathering = false;
      void this.#applyNext();
    });
  }

  #mayApply(): boolean {
    const count = this.#waiting.length;
    if (this.#underWay === 0) return count > 0;
    return this.#options.store.decidesInOrder && this.#underWay < MAX_UNDER_WAY && count >= WORTH_A_COMMIT;
  }

  async #applyNext(): Promise<void> {
    const batch = this.#waiting.splice(0, MAX_BATCH);
    this.#underWay += 1;
    this.#gather();
    const applied = this.#apply(batch);
    for (const resolve of this.#onHandedOver.splice(0)) resolve();
    await applied;
    this.#underWay -= 1;
    this.#gather();
    if (this.#isDrained()) this.#onDrained();
  }

  async #apply(batch: readonly Waiting[]): Promise<void> {
    const { store, clock, onCommitted } = this.#options;
    try {
      const applied = await store.apply(
        batch.map((waiting) => waiting.envelope),
        clock.now(),
      );
      onCommitted(applied);
      for (const [index, waiting] of batch.entries()) {
        const own = applied[index];
        if (own === undefined) waiting.reject(new Error("the store answered fewer commands than it was given"));
        else waiting.resolve(own);
      }
    } catch (error) {
      await this.#applyOneByOne(batch, error);
    }
  }

  /** A batch fails as a whole, without a change. Only the command at fault may suffer for it. */
  async #applyOneByOne(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1 || error instanceof Refused) {
      this.#options.logger.error({ err: error, commands: batch.length }, "commands can't be decided");
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    for (const waiting of batch) await this.#apply([waiting]);
  }
}

function isUrgent({ type }: Command): boolean {
  return type !== "register" && type !== "start" && type !== "resolve_incident";
}

function shuttingDown(): Refused {
  return new Refused(refusal("shutting_down", "the server is shutting down; try again on another one, or shortly"));
}
