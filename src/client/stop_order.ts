/** What Belay tells a worker to do with an execution that it holds. */
import type { Cancellation as CancellationMessage } from "../../gen/belay/v1/cancellation_pb.ts";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { type Cancellation, cancellationFrom } from "./cancellation.ts";

/** The signals, from the weakest to the strongest. */
const SIGNALS = ["stop", "terminate", "lease_lost"] as const;

/**
 * - `stop`: stop in an orderly way, soon.
 * - `terminate`: stop at once.
 * - `lease_lost`: stop at once; the work was cancelled or handed on while this worker was away, and nobody waits for its result.
 */
export type SignalName = (typeof SIGNALS)[number];

/** An order to stop one execution. */
export interface StopOrder {
  readonly signal: SignalName;
  /** Why. Undefined if the work was handed on. */
  readonly cancellation: Cancellation | undefined;
}

/** Reads the contract's signal; undefined if it says to carry on. */
export function stopOrderFrom(
  signal: StopSignal,
  cancellation: CancellationMessage | undefined,
): StopOrder | undefined {
  const name = signalNameFrom(signal);
  return name && { signal: name, cancellation: cancellation && cancellationFrom(cancellation) };
}

function signalNameFrom(signal: StopSignal): SignalName | undefined {
  switch (signal) {
    case StopSignal.STOP:
      return "stop";
    case StopSignal.TERMINATE:
      return "terminate";
    case StopSignal.LEASE_LOST:
      return "lease_lost";
    default:
      return undefined;
  }
}

/** True if `next` asks for more than what was asked before. */
export function isStrongerOrder(next: StopOrder, before: StopOrder | undefined): boolean {
  return before === undefined || SIGNALS.indexOf(next.signal) > SIGNALS.indexOf(before.signal);
}
