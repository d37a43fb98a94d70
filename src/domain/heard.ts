/** Heartbeats that nobody has written down yet: what is decided next counts them. */
import type { Execution } from "./execution.ts";
import type { Millis } from "./time.ts";

/** The last heartbeat of the holder of a lease. */
export interface Heard {
  readonly token: number;
  readonly at: Millis;
}

/** The execution with its lease extended from the heartbeat. Itself, if that was for another lease, or tells nothing new. */
export function withHeartbeat(execution: Execution, heard: Heard): Execution {
  const { lease } = execution;
  if (lease === null || lease.token !== heard.token || lease.expired) return execution;
  const expiresAt = heard.at + lease.duration;
  return expiresAt <= lease.expiresAt ? execution : { ...execution, lease: { ...lease, expiresAt } };
}
