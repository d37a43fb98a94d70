/** How a command ended, in all the ways it is told. */
import { constants } from "node:os";
import type { WorkError } from "../../client/claim.ts";

/** As Node reports it: one of the two is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Exit codes of `belay run` itself, by the custom of env(1), timeout(1) and the shells. */
export const RUN_EXIT = {
  /** Belay did not start the command. */
  notStarted: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** The exit code to pass on: the command's own, or 128 and the number of the signal that ended it. */
export function exitCodeOf({ code, signal }: Exit): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** For the timeline: "exit code 3", "killed by SIGTERM". */
export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

/**
 * The error to record for a command that did not end well; null if it did.
 *
 * @param interruptedBy the signal to `belay run` that stopped the command; null if none did
 */
export function failureOfExit(exit: Exit, interruptedBy: NodeJS.Signals | null): WorkError | null {
  if (exit.code === 0) return null;
  const details = { exit_code: exitCodeOf(exit), ...(exit.signal !== null && { signal: exit.signal }) };
  if (interruptedBy !== null) {
    const message = `belay run received ${interruptedBy} and stopped the command: ${describeExit(exit)}`;
    return { type: "interrupted", message, details };
  }
  return { type: exit.signal === null ? "exit_code" : "signal", message: describeExit(exit), details };
}

/** The error of the system that kept a command from starting, with the exit code that shells give it. */
export function failureToStart(file: string, error: unknown): { readonly exitCode: number; readonly error: WorkError } {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") {
    return { exitCode: RUN_EXIT.notFound, error: { type: "command_not_found", message: `${file}: command not found` } };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: RUN_EXIT.notExecutable,
    error: { type: "command_not_executable", message: `${file}: cannot be executed (${message})` },
  };
}
