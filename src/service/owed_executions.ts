/** The executions whose effects are about to be carried out, so that these need not read what a commit has just told. */
import { type Execution, type ExecutionKey, keyOf } from "../domain/execution.ts";
import type { Applied } from "../store/store.ts";

/** An execution that owes effects, as the last commit left it. */
export interface OwedExecution {
  /** Null once they are all released: a Map that is written all the time leaves tables behind, which keep what was in it for long. */
  execution: Execution | null;
  /** How many of its effects are held. */
  effects: number;
}

export class OwedExecutions {
  /** By `keyOf`. */
  readonly #owed = new Map<string, OwedExecution>();

  /** Takes note of a commit. To be called for each, in their order. */
  note({ execution, events }: Applied): void {
    // Without events it may be a repeated answer, which shows the execution as it was then.
    if (execution === null || events.length === 0 || this.#owed.size === 0) return;
    const owed = this.#owed.get(keyOf(execution.key));
    if (owed !== undefined) owed.execution = execution;
  }

  /** Follows an execution, which a commit has just told, until each of its effects is released. */
  hold(execution: Execution): OwedExecution {
    const id = keyOf(execution.key);
    const owed = this.#owed.get(id) ?? { execution, effects: 0 };
    owed.effects += 1;
    this.#owed.set(id, owed);
    return owed;
  }

  release(key: ExecutionKey): void {
    const id = keyOf(key);
    const owed = this.#owed.get(id);
    if (owed === undefined) return;
    owed.effects -= 1;
    if (owed.effects > 0) return;
    owed.execution = null;
    this.#owed.delete(id);
  }
}
