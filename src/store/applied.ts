/** What became of commands. */
import type { Reply } from "../domain/decision.ts";
import type { Effect } from "../domain/effect.ts";
import type { Event } from "../domain/event.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";

/** An event with its place in the order of all events of the store. */
export interface StoredEvent extends Event {
  readonly sequence: number;
  readonly key: ExecutionKey;
}

/** An effect that is owed. */
export interface StoredEffect {
  readonly id: number;
  /** The execution that owes it. */
  readonly key: ExecutionKey;
  readonly effect: Effect;
  /** How often it was tried in vain. */
  readonly attempts: number;
}

/** What became of a command, once committed. */
export interface Applied {
  readonly reply: Reply;
  /** Null only if it is not registered. */
  readonly execution: Execution | null;
  readonly events: readonly StoredEvent[];
  readonly effects: readonly StoredEffect[];
  /** Set if the command was decided before, and this repeats it. */
  readonly replay: Replay | null;
  /** The last event that the answer may show, if the answer is kept for replays; null: there is no such bound. */
  readonly upToSequence: number | null;
}

/** An earlier answer to the same command. */
export interface Replay {
  /** False if the first caller still waits for its answer: the repeated one waits with it. */
  readonly answered: boolean;
  /** When the command was decided. */
  readonly since: Millis;
  /** The sequence of the last event that the first answer showed. */
  readonly lastSequence: number;
  /** Whether the first answer said that the cancellation flag was raised. */
  readonly flagRaised: boolean;
}
