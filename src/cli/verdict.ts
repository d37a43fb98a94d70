/** What a cancel came to: a sentence for people, and the exit code for scripts. */
import {
  type Cancellation,
  CancellationOutcome,
  CancellationStage,
  StopProof,
} from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { waitsFor } from "./cancellation_facts.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import type { Standing } from "./kinds/kind_access.ts";
import { spanBetween } from "./time_format.ts";
import { wordOf } from "./words.ts";

export interface Verdict {
  readonly sentence: string;
  readonly exitCode: ExitCode;
}

/** True while something more can happen to the cancellation. */
export function isUnderWay(cancellation: Cancellation | null): cancellation is Cancellation {
  return cancellation !== null && cancellation.stage !== CancellationStage.ENDED;
}

/** The verdict on a cancel; `waited` if it was to end before the answer, so that being under way is a failure. */
export function verdictOn({ execution, cancellation }: Standing, waited: boolean): Verdict {
  const name = nameOf(execution.ref);
  if (cancellation === null || hasFinished(execution.state, cancellation)) {
    const state = wordOf(ExecutionState, execution.state);
    return { sentence: `${name} had ${state} before it could be cancelled`, exitCode: EXIT.finishedBefore };
  }
  switch (cancellation.outcome) {
    case CancellationOutcome.CANCELLED:
      return verdictOnCancelled(name, cancellation);
    case CancellationOutcome.FINISHED_FIRST:
      return { sentence: `${name} finished before the stop could take effect`, exitCode: EXIT.finishedBefore };
    case CancellationOutcome.FAILED:
      return {
        sentence: `${name} could not be stopped and runs on: ${cancellation.failure}`,
        exitCode: EXIT.notStopped,
      };
    default:
      return {
        sentence: `${name} is ${underWay(execution.state, waited)}: ${waitsFor(cancellation)}`,
        exitCode: waited ? EXIT.stillCancelling : EXIT.done,
      };
  }
}

/** A soft cancellation counts at once, and its proof comes later. */
function underWay(state: ExecutionState, waited: boolean): string {
  if (state === ExecutionState.CANCELLED) return "cancelled, and its stop not yet proven";
  return waited ? "still being cancelled" : "being cancelled";
}

/** True if the execution ended by itself after an earlier cancellation of it had failed. */
function hasFinished(state: ExecutionState, cancellation: Cancellation): boolean {
  const ended = state === ExecutionState.COMPLETED || state === ExecutionState.FAILED;
  return ended && cancellation.outcome !== CancellationOutcome.FINISHED_FIRST;
}

function verdictOnCancelled(name: string, cancellation: Cancellation): Verdict {
  const { requestTime, endTime } = cancellation;
  const took = requestTime && endTime ? ` after ${spanBetween(requestTime, endTime)}` : "";
  switch (cancellation.stopProof) {
    case StopProof.LOST:
      return {
        sentence: `${name} is cancelled, but its worker was lost before it could confirm the stop`,
        exitCode: EXIT.unproven,
      };
    case StopProof.NONE:
      return { sentence: `${name} is cancelled; no work was running`, exitCode: EXIT.done };
    default:
      return { sentence: `${name} is cancelled; its work has stopped, proven${took}`, exitCode: EXIT.done };
  }
}
