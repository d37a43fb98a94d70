/** A lane of the effect dispatcher: what waits to be carried out, and what is. Lanes don't wait for each other. */
import type { StoredEffect } from "../store/store.ts";
import { Bag } from "./bag.ts";

/** How many effects may wait for each that is carried out at once: so few that memory is bounded, so many that the store is rarely asked. */
const WAITING_PER_PLACE = 16;

export class EffectLane<Effect extends Pick<StoredEffect, "id">> {
  readonly #limit: number;
  readonly #run: (effect: Effect) => Promise<void>;
  readonly #running = new Bag<Promise<void>>();
  /** The ids of the effects that wait or run here. */
  readonly #held = new Set<number>();
  #ready: Effect[] = [];

  /**
   * @param limit how many effects are carried out at once
   * @param run must not reject
   */
  constructor(limit: number, run: (effect: Effect) => Promise<void>) {
    this.#limit = limit;
    this.#run = run;
  }

  /** How many more effects it could begin with now. */
  get room(): number {
    return this.#limit - this.#held.size;
  }

  /**
   * Takes an effect. One that it holds already, and that was claimed anew because it waited so long, is not taken twice. False: too many
   * wait already.
   */
  push(effect: Effect): boolean {
    if (this.#held.has(effect.id)) return true;
    if (this.#ready.length >= this.#limit * WAITING_PER_PLACE) return false;
    this.#held.add(effect.id);
    this.#ready.push(effect);
    this.#runReady();
    return true;
  }

  /** Forgets what waits, and resolves when what runs is done. */
  async stop(): Promise<void> {
    for (const { id } of this.#ready.splice(0)) this.#held.delete(id);
    await Promise.all(this.#running.values());
  }

  #runReady(): void {
    while (this.#running.size < this.#limit) {
      const effect = this.#ready.shift();
      if (effect === undefined) return;
      const end = this.#running.add(
        this.#run(effect).finally(() => {
          end();
          this.#held.delete(effect.id);
          this.#runReady();
        }),
      );
    }
  }
}
