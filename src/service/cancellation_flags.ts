/**
 * Cancellation flags: a cancel said a second time, in a place where the code of a workflow run can look without speaking Belay's protocol.
 * A flag is a hint that arrives fast; what counts is in the store.
 */
import type { Strategy } from "../domain/cancellation.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";

export interface CancellationFlag {
  readonly key: ExecutionKey;
  readonly cancellationId: string;
  readonly strategy: Strategy;
  readonly reason: string;
}

export interface CancellationFlags {
  /** Resolves within a fraction of a second: true once the flag can be seen. Never rejects. Raising it twice is safe. */
  raise(flag: CancellationFlag): Promise<boolean>;
}

/** Where nothing is configured that takes flags. */
export const NO_FLAGS: CancellationFlags = { raise: () => Promise.resolve(false) };

/** Raises the flag of an execution that is being cancelled. False if its kind has none, or it could not be raised. */
export function raiseFlag(flags: CancellationFlags, { key, cancellation }: Execution): Promise<boolean> {
  if (key.kind !== "workflow_run" || cancellation === null) return Promise.resolve(false);
  const { id: cancellationId, strategy, reason } = cancellation;
  return flags.raise({ key, cancellationId, strategy, reason });
}
