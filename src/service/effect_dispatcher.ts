/** The effect dispatcher: carries out what is owed when it is due, and feeds what came of it back as commands. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { Faults } from "../store/faults.ts";
import type { Applied, Store, StoredEffect } from "../store/store.ts";
import { backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { EffectLane } from "./effect_lane.ts";
import type { EffectRunner } from "./effect_runner.ts";
import { type OwedExecution, OwedExecutions } from "./owed_executions.ts";

/** How many effects are carried out at once. */
const MAX_RUNNING = 256;

/** How many callbacks are sent at once, beside them: receivers are strangers, and a slow one must not keep a stop waiting. */
const MAX_CALLBACKS = 64;

/** How often to look where other processes may owe effects too: what one that died had claimed, or has just written, is told by nobody. */
const LOOK_EVERY: Millis = 1_000;

/** How long to wait after the store failed to hand out effects. */
const STORE_RETRY: Millis = 1_000;

/** When effects for which there was no room are due again: so that a lane that stays full does not keep the store busy. */
const LANE_RETRY: Millis = 100;

/** Within what one SQL statement may name. */
const RETURNED_AT_ONCE = 1_000;

/** Node's timers overflow above this. */
const LONGEST_TIMER: Millis = 2 ** 31 - 1;

/** An effect whose time has come. */
interface DueEffect extends StoredEffect {
  /** The execution that owes it, if a commit has just told it; null: the effect comes from the store. */
  readonly owed: OwedExecution | null;
}

export interface EffectDispatcherOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly runner: EffectRunner;
  readonly logger: Logger;
  /** How long a claim holds. */
  readonly claim: Millis;
  readonly faults: Faults | undefined;
  /** In [0, 1). */
  readonly random: () => number;
}

export class EffectDispatcher {
  readonly #options: EffectDispatcherOptions;
  readonly #lane = new EffectLane<DueEffect>(MAX_RUNNING, (effect) => this.#run(effect));
  readonly #callbacks = new EffectLane<DueEffect>(MAX_CALLBACKS, (effect) => this.#run(effect));
  /** Null where other processes share the store: what they commit is not told here. */
  readonly #owed: OwedExecutions | null;
  #timer: NodeJS.Timeout | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #claiming: Promise<void> | null = null;
  /** True while effects wait in the store because there was no room: until those have had their turn, new ones wait there behind them. */
  #isBehind = false;
  /** What there was no room for, and is to be given back to the store. */
  #surplus: number[] = [];
  #returning: Promise<void> | null = null;
  #stopped = false;

  constructor(options: EffectDispatcherOptions) {
    this.#options = options;
    this.#owed = options.store.notices === null ? new OwedExecutions() : null;
  }

  /** Begins with what is due already. */
  start(): void {
    this.#wakeBy(this.#options.clock.now());
  }

  /**
   * Takes the effects of what was just committed: those that are due are claimed for this dispatcher, the others wait in the store. So do
   * those for which there is no room.
   */
  accept(committed: readonly Applied[]): void {
    if (this.#stopped) return;
    const now = this.#options.clock.now();
    const due: DueEffect[] = [];
    for (const applied of committed) {
      this.#owed?.note(applied);
      for (const stored of applied.effects) {
        if (stored.effect.dueAt > now) this.#wakeBy(stored.effect.dueAt);
        else if (this.#isBehind) this.#giveBack(stored);
        else due.push({ ...stored, owed: this.#hold(applied) });
      }
    }
    // Only now: a later command of the same batch may have changed the execution again.
    for (const effect of due) this.#carryOut(effect);
  }

  /** Starts nothing more, and resolves when what was started is done. The rest waits in the store. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#claiming;
    await this.#returning;
    await Promise.all([this.#lane.stop(), this.#callbacks.stop()]);
  }

  #wakeBy(at: Millis): void {
    if (this.#stopped || at >= this.#wakeAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#wakeAt = at;
    const wait = Math.min(Math.max(0, at - this.#options.clock.now()), LONGEST_TIMER);
    this.#timer = setTimeout(() => this.#wake(), wait);
  }

  #wake(): void {
    this.#timer = null;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = null;
    });
  }

  async #claim(): Promise<void> {
    const { store, clock, claim, logger } = this.#options;
    try {
      const { room } = this.#lane;
      if (room > 0) {
        const now = clock.now();
        for (const stored of await store.claimEffects(now, now + claim, room))
          this.#carryOut({ ...stored, owed: null });
      }
      const next = await store.nextEffectAt();
      this.#isBehind = this.#isBehind && next !== null && next <= clock.now() + LANE_RETRY;
      if (next !== null) this.#wakeBy(room > 0 ? next : Math.max(next, clock.now() + 10));
      if (store.notices !== null) this.#wakeBy(clock.now() + LOOK_EVERY);
    } catch (error) {
      logger.error({ err: error }, "effects can't be claimed; trying again");
      this.#wakeBy(clock.now() + STORE_RETRY);
    }
  }

  #hold({ execution }: Applied): OwedExecution | null {
    return execution === null || this.#owed === null ? null : this.#owed.hold(execution);
  }

  #release({ key, owed }: DueEffect): void {
    if (owed !== null) this.#owed?.release(key);
  }

  #carryOut(effect: DueEffect): void {
    if (this.#stopped) return;
    const lane = effect.effect.type === "callback" ? this.#callbacks : this.#lane;
    if (lane.push(effect)) return;
    this.#release(effect);
    if (lane === this.#lane) this.#isBehind = true;
    this.#giveBack(effect);
  }

  #giveBack({ id }: StoredEffect): void {
    this.#surplus.push(id);
    this.#returning ??= this.#returnSurplus().finally(() => {
      this.#returning = null;
    });
  }

  /** The store has claimed them for this dispatcher: without this they would only be due when that claim ends. */
  async #returnSurplus(): Promise<void> {
    const { store, clock, claim, logger } = this.#options;
    // Lets those that were handed out together go back together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#surplus.length > 0) {
      const ids = this.#surplus.splice(0, RETURNED_AT_ONCE);
      const dueAt = clock.now() + LANE_RETRY;
      try {
        await store.returnEffects(ids, dueAt);
        this.#wakeBy(dueAt);
      } catch (error) {
        // They are not lost: they are due again when their claim ends.
        logger.error({ err: error, effects: ids.length }, "effects can't be given back to the store");
        this.#wakeBy(clock.now() + claim);
      }
    }
  }

  async #run(effect: DueEffect): Promise<void> {
    const { runner, faults, logger } = this.#options;
    try {
      if (faults !== undefined) await faults.reach("dispatcher.before_run");
      const result = await runner.run(effect, effect.owed?.execution ?? null);
      if (faults !== undefined) await faults.reach("dispatcher.after_run");
      if (result.type === "postponed") await this.#postpone(effect, result.dueAt, effect.attempts);
      if (result.type === "failed") await this.#retry(effect, result.longestWait);
    } catch (error) {
      logger.error({ err: error, effect: effect.effect.type, execution: effect.key }, "an effect failed; trying again");
      await this.#retry(effect);
    } finally {
      this.#release(effect);
    }
  }

  async #retry(effect: StoredEffect, longestWait?: Millis): Promise<void> {
    const { clock, random } = this.#options;
    const wait = backoff(effect.attempts, random, longestWait);
    await this.#postpone(effect, clock.now() + wait, effect.attempts + 1);
  }

  async #postpone(effect: StoredEffect, dueAt: Millis, attempts: number): Promise<void> {
    const { store, clock, claim, logger } = this.#options;
    try {
      await store.postponeEffect(effect.id, dueAt, attempts);
      this.#wakeBy(dueAt);
    } catch (error) {
      // It is not lost: it is due again when its claim ends.
      logger.error({ err: error, effect: effect.effect.type, execution: effect.key }, "an effect can't be postponed");
      this.#wakeBy(clock.now() + claim);
    }
  }
}
