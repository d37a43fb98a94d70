/**
 * What the threads say to each other. Arguments and results go as JSON: one text is cheaper to make, to hand over and to read than a
 * structured clone, and what goes to and from the writer is plain data that JSON keeps as it is.
 */
import type { Millis } from "../../domain/time.ts";
import type { ErrorData } from "./crossing_error.ts";
import type { SqliteWriter } from "./writer.ts";

/** What the thread is started with. */
export interface ThreadOptions {
  readonly path: string;
  /** How long an effect that was handed out is not handed out again. */
  readonly effectClaim: Millis;
}

type Groups = { [Group in keyof SqliteWriter]: `${Group}.${keyof SqliteWriter[Group] & string}` };

/** The name of one of the writer's functions, for example "commands.apply". */
export type WriterFunction = Groups[keyof SqliteWriter];

export interface WriterCall {
  /** Unique in the life of the thread. */
  readonly id: number;
  readonly name: WriterFunction;
  /** The arguments, as JSON. */
  readonly args: string;
}

export interface WriterAnswer {
  /** Of the call. */
  readonly id: number;
  /** An `Outcome`, as JSON. */
  readonly outcome: string;
}

export interface Outcome<Result> {
  readonly result: Result;
  /** Null: it succeeded. Otherwise there is no result. */
  readonly error: ErrorData | null;
}

/** The answer to no call, and the first one of the thread: that it is ready. */
export const READY = 0;
