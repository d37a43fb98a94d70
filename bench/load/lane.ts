/** A lane carries one call at a time; as many calls are in flight as there are lanes. */

/** The server had too much to do, and said so: its admission does that to reads before it lets cancels wait. */
export class OverloadedError extends Error {}

/** Told the body of the answer, or what went wrong: any answer but a success is an error. */
export type OnAnswer = (error: Error | null, answer: Buffer) => void;

export interface Lane {
  call(path: string, body: Buffer, done: OnAnswer): void;
}

export interface Lanes {
  readonly all: readonly Lane[];
  close(): Promise<void>;
}
