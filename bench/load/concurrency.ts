/** How many calls are in flight. */
import type { Wire } from "./order.ts";

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

/** For reads: so few that the server's admission takes them for no crowd, and refuses none however busy the machine is. */
export const NO_CROWD: Readonly<Record<Wire, Concurrency>> = {
  grpc: { connections: 4, streams: 4 },
  json: { connections: 16, streams: 1 },
};

export function callsInFlight({ connections, streams }: Concurrency): number {
  return connections * streams;
}
