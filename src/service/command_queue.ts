/** The command queue: commands gather while a transaction commits, and the next transaction takes them all. */
import type { Logger } from "pino";
import type { Command } from "../domain/command.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { Applied, Envelope, Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";

/** Enough for one fsync to serve hundreds of callers, few enough for a batch to stay within a few milliseconds. */
const MAX_BATCH = 512;

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
  readonly store: Pick<Store, "apply">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what was committed, before the callers are. */
  readonly onCommitted: (applied: readonly Applied[]) => void;
}

export class CommandQueue {
  readonly #options: CommandQueueOptions;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | null = null;
  #closed = false;

  constructor(options: CommandQueueOptions) {
    this.#options = options;
  }

  /** How long the command that waits longest has been waiting; 0 if none waits. */
  get delay(): Millis {
    const [first] = this.#waiting;
    return first === undefined ? 0 : this.#options.clock.now() - first.since;
  }

  /** Decides a caller's command. Resolves once it is durable. Throws `overloaded` if it would have to wait too long. */
  submit(envelope: Envelope): Promise<Applied> {
    if (this.#closed) return Promise.reject(shuttingDown());
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

  /** Takes no more commands, and resolves when those that were taken are decided. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  #enqueue(envelope: Envelope): Promise<Applied> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ envelope, since: this.#options.clock.now(), resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Lets the requests that have arrived together get into one batch, and the answers to the last one out.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#apply(batch);
    }
    this.#draining = null;
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
