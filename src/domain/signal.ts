/** What a worker is to do with an execution that it holds, or thinks it holds. */
import type { Execution } from "./execution.ts";

/** `none`: carry on. `lease_lost`: the work was cancelled or handed on, stop it at once. */
export type Signal = "none" | "stop" | "terminate" | "lease_lost";

/** An order for the worker that holds, or thinks it holds, an execution. */
export interface StopOrder {
  readonly execution: Execution;
  /** The token of the lease that the order is for. */
  readonly token: number;
  readonly signal: Exclude<Signal, "none">;
}

/** The signal for the worker that holds `token`; `execution` is null if it is not known. */
export function signalFor(execution: Execution | null, token: number): Signal {
  if (execution?.lease?.token !== token) return "lease_lost";
  switch (execution.state) {
    case "pending":
    case "completed":
    case "failed":
      return "lease_lost";
    case "running":
      return "none";
    case "cancelling":
    case "cancelled":
      return signalOfCancellation(execution);
  }
}

function signalOfCancellation(execution: Execution): Signal {
  switch (execution.cancellation?.stage) {
    case "children":
      return "none";
    case "stopping":
      return "stop";
    case "terminating":
      return "terminate";
    default:
      return "lease_lost";
  }
}
