/** What the load process is told to do, and what it measured. Both cross a process boundary as JSON. */

/** How the calls travel: gRPC over HTTP/2, or Connect's unary JSON over HTTP/1.1. */
export type Wire = "grpc" | "json";

/** What a call does to the executions of an order. `register_running` also claims them for the benchmark's worker. */
export type CallType = "cancel" | "register_pending" | "register_running";

export interface LoadOrder {
  readonly wire: Wire;
  /** For example "http://127.0.0.1:8080". */
  readonly url: string;
  readonly call: CallType;
  /** The executions to call for are numbered `first` to `first + count - 1`. Each is called for once. */
  readonly first: number;
  readonly count: number;
  /** For how long new calls begin. Null: until every execution was called for. */
  readonly seconds: number | null;
  readonly connections: number;
  /** Calls in flight on each connection. HTTP/1.1 carries one. */
  readonly streams: number;
}

export interface LoadResult {
  readonly calls: number;
  /** Of the clock, from the first request to the last answer. */
  readonly seconds: number;
  /** In milliseconds, from before the request is written until the answer is read. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The processor time that the load process took for each second of the clock. Near 1, it is the load that is measured. */
  readonly loadCpu: number;
}

/** The worker that has claimed what `register_running` registers. */
export const WORKER_ID = "benchmark-worker";
