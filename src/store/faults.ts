/** Fault points: named moments at which tests make a process die, wait or fail. Nobody but code that starts a server can give any. */

export const FAULT_POINTS = [
  /** A batch is written, as far as the database writes before it commits, and not committed. */
  "store.before_commit",
  /** A batch is durable, and nobody knows it yet. */
  "store.after_commit",
  /** The dispatcher holds a claim on an effect, and has not begun with it. */
  "dispatcher.before_run",
  /** An effect was carried out, and its result is durable. */
  "dispatcher.after_run",
  /** A stop or a terminate is about to go to the engine. */
  "engine.before_call",
  /** The engine has answered, and nobody knows it yet. */
  "engine.after_call",
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

export interface Faults {
  /** What it rejects with, the code at this point fails with. */
  reach(point: FaultPoint): Promise<void>;
}
