/** Runs an async function as an execution. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Claim } from "./claim.ts";
import { CancellationError, LeaseLostError } from "./errors.ts";
import type { ExecutionRef } from "./execution_ref.ts";
import type { Logger } from "./logger.ts";
import type { StopOrder } from "./stop_order.ts";

/** What the work sees of its execution. */
export interface RunningExecution extends ExecutionRef {
  /**
   * Fires when the work is to stop at once: the time that its cancellation left it has passed, or it was cancelled with strategy `hard`.
   *
   * Code in the same process can't be killed, so Belay can only say so. Use it for what can be: give it to `child_process.spawn` as
   * `{ signal: execution.terminateSignal, killSignal: "SIGKILL" }`, or terminate a worker thread when it fires. It never fires before the
   * work's first signal does; its reason is the same.
   */
  readonly terminateSignal: AbortSignal;
}

/**
 * The work of an execution.
 *
 * @param signal fires when the work is to stop. Its reason is a {@link CancellationError} or a {@link LeaseLostError}.
 */
export type Work<T> = (signal: AbortSignal, execution: RunningExecution) => T | Promise<T>;

type Settled<T> =
  | { readonly returned: true; readonly value: T }
  | { readonly returned: false; readonly error: unknown };

/** Runs `work` under `claim` until Belay knows how it ended, and releases the claim. See {@link Belay.run}. */
export async function runClaimed<T>(claim: Claim, work: Work<T>, logger: Logger): Promise<T> {
  const stopping = new AbortController();
  const terminating = new AbortController();
  claim.onOrder((order) => {
    if (!stopping.signal.aborted) stopping.abort(reasonOf(claim, order));
    if (order.signal !== "stop") terminating.abort(stopping.signal.reason);
  });
  try {
    const settled = await settle(work, stopping.signal, { ...claim.execution, terminateSignal: terminating.signal });
    // Orders that come from here on find nothing left to stop; Belay's answer to the result tells of them.
    return stopping.signal.aborted
      ? await reportStop(claim, settled, stopping.signal.reason)
      : await reportResult(claim, settled, logger);
  } finally {
    claim.release();
  }
}

async function settle<T>(work: Work<T>, signal: AbortSignal, execution: RunningExecution): Promise<Settled<T>> {
  try {
    return { returned: true, value: await work(signal, execution) };
  } catch (error) {
    return { returned: false, error };
  }
}

function reasonOf({ execution }: Claim, { signal, cancellation }: StopOrder): CancellationError | LeaseLostError {
  return signal === "lease_lost" || cancellation === undefined
    ? new LeaseLostError(execution, cancellation)
    : new CancellationError(execution, cancellation);
}

/** The work was told to stop, and has. Always rejects with why. */
async function reportStop<T>(claim: Claim, settled: Settled<T>, reason: unknown): Promise<never> {
  // Work that was handed on owes nobody a proof.
  const isHandedOn = reason instanceof LeaseLostError && reason.cancellation === undefined;
  if (!isHandedOn) await claim.reportStopped(evidenceOf(settled));
  throw withCause(reason, settled);
}

/** The work ended by itself. Its result counts, unless a cancellation came first. */
async function reportResult<T>(claim: Claim, settled: Settled<T>, logger: Logger): Promise<T> {
  const answer = settled.returned
    ? await claim.complete(resultOf(settled.value, logger))
    : await claim.fail(workErrorOf(settled.error));
  if (answer === "cancelled") {
    const stop = await claim.reportStopped(`${evidenceOf(settled)} before the stop reached it`);
    const cancellation = stop.answer === "confirmed" ? stop.cancellation : undefined;
    const reason =
      cancellation === undefined
        ? new LeaseLostError(claim.execution, undefined)
        : new CancellationError(claim.execution, cancellation);
    throw withCause(reason, settled);
  }
  if (!settled.returned) throw settled.error;
  if (answer === "lease_lost") throw new LeaseLostError(claim.execution, undefined);
  return settled.value;
}

/** Keeps what the work threw while it was being stopped, unless it is the reason itself come back. */
function withCause(reason: unknown, settled: Settled<unknown>): unknown {
  if (settled.returned || settled.error === reason || !(reason instanceof Error)) return reason;
  reason.cause = settled.error;
  return reason;
}

function evidenceOf(settled: Settled<unknown>): string {
  if (settled.returned) return "the function returned";
  const { type, message } = workErrorOf(settled.error);
  return `the function threw ${type}: ${message}`;
}

function workErrorOf(error: unknown): { type: string; message: string } {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: typeof error, message: String(error) };
}

/** What JSON can hold of a value: an object as it is, anything else as `{ value }`. */
function resultOf(value: unknown, logger: Logger): JsonObject | undefined {
  if (value === undefined) return undefined;
  try {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
    const json: JsonValue = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : { value: json };
  } catch (error) {
    logger.warn(`completed without the result, which JSON can't hold: ${error}`);
    return undefined;
  }
}
