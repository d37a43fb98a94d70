/** What the process of the workers is told, and what it tells. Both cross a process boundary as JSON. */

export interface WorkersOrder {
  readonly url: string;
  /** How many workers attach. Each stays attached, and holds an execution of its own that is never cancelled. */
  readonly workers: number;
}

/** Runs these executions, the first worker the first of them, and so on. */
export interface RunOrder {
  readonly first: number;
  readonly count: number;
}

export type WorkersTask = { readonly attach: WorkersOrder } | { readonly run: RunOrder };

/** When the AbortSignal of an execution fired, in microseconds of the machine's monotonic clock. */
export type Fired = readonly [number: number, at: number];

export type WorkersReply =
  | { readonly attached: true }
  /** All executions of a RunOrder run. */
  | { readonly running: true }
  /** All their signals fired. */
  | { readonly fired: readonly Fired[] }
  | { readonly failure: string };
