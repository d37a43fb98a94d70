/** The errors by which work learns that it is to stop, or that Belay could not be told. */
import { type Cancellation, requesterOf } from "./cancellation.ts";
import { type ExecutionRef, nameOf } from "./execution_ref.ts";

/**
 * The execution was cancelled.
 *
 * It occurs in three places: as `signal.reason` of the AbortSignal that the work was given, as the rejection of {@link Belay.run} once the
 * work has settled, and as the rejection of `run` before any work if the execution had been cancelled already. Work may rethrow it.
 *
 * If the work itself threw something else while it was being stopped, that is the `cause`.
 */
export class CancellationError extends Error {
  override readonly name = "CancellationError";
  readonly execution: ExecutionRef;
  readonly cancellation: Cancellation;

  constructor(execution: ExecutionRef, cancellation: Cancellation, options?: ErrorOptions) {
    super(describeCancellation(execution, cancellation), options);
    this.execution = execution;
    this.cancellation = cancellation;
  }
}

/**
 * The lease was lost: no heartbeat reached Belay for longer than the lease lasts, and meanwhile the execution was cancelled or handed to
 * another worker. The work must stop; nobody waits for its result.
 *
 * It occurs as `signal.reason`, and as the rejection of {@link Belay.run} once the work has settled. Losing the connection alone does not
 * cause it: a worker that comes back before anything else happened keeps its lease.
 */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
  readonly execution: ExecutionRef;
  /** The cancellation behind it; undefined if the work was handed to another worker, or is not known to Belay any more. */
  readonly cancellation: Cancellation | undefined;

  constructor(execution: ExecutionRef, cancellation: Cancellation | undefined, options?: ErrorOptions) {
    const cause =
      cancellation === undefined
        ? `${nameOf(execution)} was handed on or ended elsewhere`
        : describeCancellation(execution, cancellation);
    super(`the lease was lost: ${cause}`, options);
    this.execution = execution;
    this.cancellation = cancellation;
  }
}

/** Belay did not answer in time, so the work was not started. The last failed attempt is the `cause`. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";

  constructor(address: string, seconds: number, cause: unknown) {
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    super(`Belay at ${address} did not answer within ${seconds} s${detail}`, { cause });
  }
}

/** The client was closed before Belay had been told how the work ended. Belay will see the lease end. */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";

  constructor() {
    super("the Belay client was closed");
  }
}

function describeCancellation(execution: ExecutionRef, cancellation: Cancellation): string {
  const requester = requesterOf(cancellation);
  const by = requester === "" ? "" : ` by ${requester}`;
  const reason = cancellation.reason === "" ? "" : `: ${cancellation.reason}`;
  return `${nameOf(execution)} was cancelled${by}${reason}`;
}
