/** What is measured: each series is one server asked over one wire. */
import type { Wire } from "./load/order.ts";
import type { EchoLibrary } from "./servers/echo.ts";

/**
 * The work that a cancel meets. `pending`: registered and never started, so there is nothing to stop and the cancel ends at once.
 * `running`: a worker holds it, so that a stop order goes out and timers are set.
 */
export type Work = "pending" | "running";

export interface Series {
  readonly wire: Wire;
  readonly name: string;
  readonly target: { readonly server: "belay"; readonly work: Work } | { readonly server: EchoLibrary };
}

/** In the order in which a round measures them, and in which they are shown. */
export const ALL_SERIES: readonly Series[] = [
  { wire: "grpc", name: "Belay, nothing to stop", target: { server: "belay", work: "pending" } },
  { wire: "grpc", name: "Belay, running work", target: { server: "belay", work: "running" } },
  { wire: "grpc", name: "connect-node echo", target: { server: "connect-node" } },
  { wire: "grpc", name: "grpc-js echo", target: { server: "grpc-js" } },
  { wire: "json", name: "Belay, nothing to stop", target: { server: "belay", work: "pending" } },
  { wire: "json", name: "Belay, running work", target: { server: "belay", work: "running" } },
  { wire: "json", name: "connect-node echo", target: { server: "connect-node" } },
];

/** How many calls are in flight. */
export interface Concurrency {
  readonly connections: number;
  /** Calls in flight on each connection. */
  readonly streams: number;
}

/** For the throughput: more than any of the servers can use. */
export const PEAK: Readonly<Record<Wire, Concurrency>> = {
  grpc: { connections: 4, streams: 64 },
  json: { connections: 256, streams: 1 },
};

/** For the latency: a busy day, not a queue. */
export const MODERATE: Readonly<Record<Wire, Concurrency>> = {
  grpc: { connections: 4, streams: 4 },
  json: { connections: 16, streams: 1 },
};

export function callsInFlight({ connections, streams }: Concurrency): number {
  return connections * streams;
}
