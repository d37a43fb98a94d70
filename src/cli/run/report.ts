/** Tells Belay how a command ended. */
import type { Claim, WorkError } from "../../client/claim.ts";
import type { Messages } from "./messages.ts";

export interface CommandEnd {
  /** The error to record; null if the command ended well. */
  readonly failure: WorkError | null;
  /** What was seen, for a timeline. */
  readonly evidence: string;
}

export interface ReportLimit {
  /** Milliseconds. */
  readonly timeout: number;
  /** Aborts when the user will not wait any longer. */
  readonly givenUp: AbortSignal;
}

/** Reports the end, and says what came of it. Does not reject: the command has ended, and its exit code counts whether Belay knows or not. */
export async function report(claim: Claim, end: CommandEnd, limit: ReportLimit, messages: Messages): Promise<void> {
  const signal = AbortSignal.any([limit.givenUp, AbortSignal.timeout(limit.timeout)]);
  try {
    messages.detail(await tell(claim, end, signal));
  } catch (error) {
    const cause = signal.aborted ? "no answer" : String(error);
    messages.error(`could not tell Belay how the command ended (${cause}); it will see the lease end`);
  }
}

/** Resolves with what Belay made of it. */
async function tell(claim: Claim, { failure, evidence }: CommandEnd, signal: AbortSignal): Promise<string> {
  const { order } = claim;
  if (order !== undefined) {
    // Work that was handed on owes nobody a proof.
    if (order.cancellation === undefined) return "stopped";
    const { answer } = await claim.reportStopped(evidence, { signal });
    return answer === "confirmed" ? "stopped, and the stop is proven" : "stopped, but the work had been handed on";
  }
  const answer =
    failure === null ? await claim.complete({ exit_code: 0 }, { signal }) : await claim.fail(failure, { signal });
  switch (answer) {
    case "recorded":
      return failure === null ? "recorded as completed" : `recorded as failed: ${failure.message}`;
    case "cancelled":
      await claim.reportStopped(`${evidence}, before the stop reached it`, { signal });
      return "cancelled before the command ended by itself";
    case "lease_lost":
      return "not recorded: the work was handed on or ended elsewhere";
  }
}
