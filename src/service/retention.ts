/**
 * Removes what need not be kept any longer: command ids, finished executions, settled batch operations, old audit events. In small steps,
 * so that the calls in between hardly wait.
 */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import { FIRST_PLACE, FIRST_TENANT } from "../store/pruning.ts";
import type { CommandPlace, Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { passed } from "./passed.ts";

/** How many commands are looked at in a step: measured at some 3 ms, about as long as a batch of commands takes. */
const STEP = 100;

/** Leaves most of the time to the calls, and still removes more than 1,000 executions and 3,000 command ids a second. */
const PAUSE: Millis = 25;

/** How often to look for old ones. What is kept for a day may be kept for a minute more. */
const SWEEP_EVERY: Millis = 60_000;

/** How long things are kept at least. */
export interface RetentionTimes {
  /** Command ids, from their first use on. */
  readonly commands: Millis;
  /** Finished executions and batch operations, from their end on. Null: for ever. */
  readonly executions: Millis | null;
  /** Audit events. Null: for ever. */
  readonly audit: Millis | null;
}

export interface RetentionOptions {
  readonly store: Pick<Store, "forgetCommands" | "batchOperations" | "pruning">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: RetentionTimes;
}

export class Retention {
  readonly #options: RetentionOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Sweeps now, and again and again. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the step under way is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Removes all that is old enough now, unless it is stopped before. False if it did nothing, because another replica was at it. */
  async sweep(): Promise<boolean> {
    const { store, clock, times } = this.#options;
    const now = clock.now();
    return await store.pruning.alone(async () => {
      await this.#forgetCommands(now - times.commands);
      if (times.executions !== null) await this.#removeExecutions(now - times.executions);
      if (times.audit !== null) await this.#removeAuditEvents(now - times.audit, now);
    });
  }

  async #forgetCommands(before: Millis): Promise<void> {
    const { store } = this.#options;
    await this.#repeat<CommandPlace | null>(null, (place) => store.forgetCommands(before, place, STEP));
    await this.#repeat(true, async () => ((await store.batchOperations.forgetCommands(before, STEP)) ? true : null));
  }

  /** Batch operations first: they keep the executions that they name. */
  async #removeExecutions(before: Millis): Promise<void> {
    const { pruning } = this.#options.store;
    await this.#repeat(FIRST_PLACE, (place) => pruning.removeBatchOperations(before, place));
    await this.#repeat(FIRST_PLACE, (place) => pruning.removeExecutions(before, place));
  }

  async #removeAuditEvents(before: Millis, now: Millis): Promise<void> {
    const { pruning } = this.#options.store;
    await this.#repeat(FIRST_TENANT, (place) => pruning.removeAuditEvents(before, place, now));
  }

  /** Takes step after step, each from the place that the one before led to, until there is none. */
  async #repeat<Place>(first: Place, step: (place: Place) => Promise<Place | null>): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    let place = await step(first);
    while (place !== null && !signal.aborted) {
      await passed(PAUSE, signal);
      if (!signal.aborted) place = await step(place);
    }
  }

  async #run(): Promise<void> {
    const { logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        logger.error({ err: error }, "what is old can't be removed; trying again later");
      }
      await passed(SWEEP_EVERY, signal);
    }
  }
}
