/** What the load process is told to do, and what it measured. Both cross a process boundary as JSON. */
import type { IdForm } from "./execution_id.ts";

/** `grpc`: gRPC over HTTP/2. `json`: Connect unary JSON over HTTP/1.1. */
export type Wire = "grpc" | "json";

/** What a call does to an execution. `register_running` also claims it for the benchmark's worker. */
export type CallType = "cancel" | "get" | "heartbeat" | "register_pending" | "register_running";

/** Where calls go, and how many fit side by side. */
interface Destination {
  readonly wire: Wire;
  /** For example "http://127.0.0.1:8080". */
  readonly url: string;
  readonly connections: number;
  /** Calls in flight on each connection. HTTP/1.1 carries one. */
  readonly streams: number;
  /** Default: "uuid". */
  readonly ids?: IdForm;
}

/** Each execution is called for once, but gets and heartbeats go round. */
export interface Calls {
  readonly call: CallType;
  /** The executions are numbered `first` to `first + count - 1`. */
  readonly first: number;
  readonly count: number;
  /** How many of them earlier orders have called for. Default: 0. */
  readonly skip?: number;
}

/** As fast as answers come: each lane sends its next call as soon as its last one is answered. */
export interface LoadOrder extends Destination, Calls {
  /** For how long new calls begin. Null: until every execution was called for. */
  readonly seconds: number | null;
  /** At most so many calls. Default: no such limit. */
  readonly most?: number;
}

/** At fixed times, whether or not the server keeps up. */
export interface PacedOrder extends Destination {
  readonly flows: readonly Flow[];
  readonly seconds: number;
}

export interface Flow extends Calls {
  /** Calls a second, in the mean. */
  readonly rate: number;
}

/** In milliseconds. NaN, in JSON null, if there were no calls. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** Those that succeeded. */
  readonly calls: number;
  /** Gets that the server refused because it had too much to do. Any other refusal fails the order. */
  readonly refused: number;
  /** Of the clock, from the first request to the last answer. */
  readonly seconds: number;
  /** From before the request is written until the answer is read. */
  readonly latency: Latency;
  /** The processor time that the load process took for each second of the clock. Near 1, it is the load that is measured. */
  readonly loadCpu: number;
  /** When the first request was sent and the last answer was read, in microseconds of the machine's monotonic clock, which all processes share. */
  readonly from: number;
  readonly until: number;
}

export interface PacedResult {
  /** In the order of the flows. */
  readonly flows: readonly FlowResult[];
  /** How late the calls were sent. It is part of their latency. */
  readonly sentLate: Latency;
  readonly loadCpu: number;
}

interface FlowResult {
  readonly calls: number;
  /** As in LoadResult. */
  readonly refused: number;
  /** Of the calls that succeeded. */
  readonly latency: Latency;
}

/** The worker that has claimed what `register_running` registers. */
export const WORKER_ID = "benchmark-worker";
