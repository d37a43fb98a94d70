/** A lane carries one call at a time; as many calls are in flight as there are lanes. */

export interface Lane {
  /** Calls, and tells `done` the body of the answer, or what went wrong: any answer but a success is an error. */
  call(body: Buffer, done: (error: Error | null, answer: Buffer) => void): void;
}

export interface Lanes {
  readonly all: readonly Lane[];
  close(): Promise<void>;
}

export const NO_ANSWER: Buffer = Buffer.alloc(0);
