/** The options of `belay list`, as they are written on the command line. */
import { InvalidArgumentError } from "commander";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import type { ExecutionRef } from "../../gen/belay/v1/execution_ref_pb.ts";
import { millisOfSpan } from "./span.ts";
import { valueNamed, wordsOf } from "./words.ts";

/** The options of `belay list`, parsed. */
export interface ListOptions {
  readonly address: string;
  readonly state?: readonly ExecutionState[];
  readonly label?: Readonly<Record<string, string>>;
  readonly parent?: ExecutionRef;
  readonly workflow?: string;
  readonly overdue?: boolean;
  readonly pending?: boolean;
  readonly since?: Date;
  readonly limit: number;
  readonly json?: boolean;
}

/** "running,cancelling"; may be given again. */
export function parseStates(text: string, before: readonly ExecutionState[] = []): ExecutionState[] {
  const states = text.split(",").map((word) => {
    const state = valueNamed(ExecutionState, word.trim());
    if (state !== null) return state;
    throw new InvalidArgumentError(`States are ${wordsOf(ExecutionState).join(", ")}.`);
  });
  return [...before, ...states];
}

/** "team=billing"; may be given again. */
export function parseLabel(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [name, ...rest] = text.split("=");
  if (!name || rest.length === 0) throw new InvalidArgumentError("It must be name=value.");
  return { ...before, [name]: rest.join("=") };
}

/** "90s", "15m", "1h" or "2d" before now, or an ISO 8601 time. */
export function parseSince(text: string): Date {
  const date = /^\d{4}-\d{2}-\d{2}/.test(text)
    ? new Date(text)
    : new Date(Date.now() - (millisOfSpan(text) ?? Number.NaN));
  if (!Number.isNaN(date.getTime()) && date.getFullYear() >= 1970) return date;
  throw new InvalidArgumentError(
    "It must be a span such as 90s, 15m, 1h or 2d, or a time such as 2026-01-05T12:00:00Z.",
  );
}
