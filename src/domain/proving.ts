/** What comes back from outside while a cancellation is under way: signals delivered, stops reported, timers, the engine's word. */
import type {
  ChildrenChanged,
  ChildrenDue,
  ForceDue,
  ReportStopped,
  SignalDelivered,
  SignalFailed,
  Verified,
} from "./command.ts";
import { accept, type Decision, type Draft, record, refuse, unchanged } from "./decision.ts";
import { nameOf, refuseStaleToken } from "./refusals.ts";
import {
  amend,
  cancellationOf,
  confirmStop,
  end,
  endAsFinished,
  loseProof,
  takeTurn,
  terminate,
  watchOver,
} from "./stopping.ts";
import { markStopDelivered, markTerminateDelivered } from "./working.ts";

/** The worker saw that its work has stopped. Also takes a late report: `lost` then becomes `confirmed`. */
export function stopReported(draft: Draft, command: ReportStopped): Decision {
  const { lease } = draft.execution;
  if (lease === null || lease.token !== command.token) return refuseStaleToken(draft.execution, command.token);
  if (cancellationOf(draft).proof === "confirmed") return unchanged(draft.execution);
  confirmStop(draft, command.evidence);
  return accept(draft);
}

/** A stop reported where none was asked for: the worker has to say instead how the work ended. */
export function refuseUnaskedReport(draft: Draft, command: ReportStopped): Decision {
  const { execution } = draft;
  if (execution.lease?.token !== command.token) return refuseStaleToken(execution, command.token);
  return refuse(
    execution,
    "not_cancelled",
    `no cancellation of ${nameOf(execution.key)} was asked for; complete or fail it instead`,
  );
}

/** Also taken late: a fast worker's report can overtake the news that the signal had reached it. */
export function signalDelivered(draft: Draft, command: SignalDelivered): Decision {
  const { id, stopDelivered, termination } = cancellationOf(draft);
  const isKnown = command.signal === "stop" ? stopDelivered : termination === "issued";
  if (id !== command.cancellationId || isKnown) return unchanged(draft.execution);
  if (command.signal === "stop") markStopDelivered(draft);
  else markTerminateDelivered(draft);
  return accept(draft);
}

/** The signal did not arrive. For now: the timeline says why. For good: the cancellation ends without success. */
export function signalFailed(draft: Draft, command: SignalFailed): Decision {
  const { id, stage } = cancellationOf(draft);
  if (id !== command.cancellationId || (stage !== "stopping" && stage !== "terminating")) {
    return unchanged(draft.execution);
  }
  if (!command.permanent) {
    record(draft, "engine_unreachable", { message: command.message });
    return accept(draft);
  }
  amend(draft, { termination: command.signal === "terminate" ? "failed" : "not_needed" });
  if (draft.execution.state === "cancelled") {
    loseProof(draft, command.message);
  } else {
    // The work goes on, so its holder's token counts again.
    const { lease, token } = draft.execution;
    draft.execution = { ...draft.execution, state: "running", token: lease?.token ?? token };
    amend(draft, { proof: "none" });
    end(draft, "failed", command.message);
  }
  return accept(draft);
}

/** The time between asking and terminating has passed. */
export function forceDue(draft: Draft, command: ForceDue): Decision {
  const { id, stage, forceAt } = cancellationOf(draft);
  if (id !== command.cancellationId || stage !== "stopping" || forceAt === null) return unchanged(draft.execution);
  if (forceAt > draft.now) {
    // Whoever watches the timers may have a clock that is a little ahead.
    draft.effects.push({ type: "force_timer", dueAt: forceAt, cancellationId: id });
    return accept(draft, "unchanged");
  }
  terminate(draft, "the time to stop by itself has passed");
  return accept(draft);
}

/** The children had their time. */
export function childrenDue(draft: Draft, command: ChildrenDue): Decision {
  const { id, stage } = cancellationOf(draft);
  if (id !== command.cancellationId || stage !== "children") return unchanged(draft.execution);
  record(draft, draft.facts.hasLiveChildren ? "children_overdue" : "children_ended");
  takeTurn(draft);
  return accept(draft);
}

/** A child was registered, and has to be stopped too, or one has ended, and may have been the last. */
export function childrenChanged(draft: Draft, command: ChildrenChanged): Decision {
  const { id, stage } = cancellationOf(draft);
  if (command.change === "registered") {
    draft.effects.push({ type: "cancel_children", dueAt: draft.now, cancellationId: id });
    return accept(draft);
  }
  if (stage !== "children" || draft.facts.hasLiveChildren) return unchanged(draft.execution);
  record(draft, "children_ended");
  takeTurn(draft);
  return accept(draft);
}

/** The cancellation has not ended in the time that its strategy allows, and the engine was asked why. */
export function verified(draft: Draft, command: Verified): Decision {
  const { id, stage } = cancellationOf(draft);
  if (id !== command.cancellationId || stage === "ended") return unchanged(draft.execution);
  if (stage === "children") return stayOverdue(draft, "its children have not ended");
  if (stage === "listeners") return stayOverdue(draft, listenersReason(draft));
  const { status, detail } = command.engineStatus;
  switch (status) {
    case "running":
      return stayOverdue(draft, detail);
    case "completed":
    case "failed":
      if (draft.execution.state === "cancelled") confirmStop(draft, detail);
      else endAsFinished(draft, status, detail);
      return accept(draft);
    case "cancelled":
      confirmStop(draft, detail);
      return accept(draft);
    case "unknown":
      loseProof(draft, detail);
      return accept(draft);
  }
}

function listenersReason(draft: Draft): string {
  const { listenerJob } = cancellationOf(draft);
  if (listenerJob === null) return "its listeners have not completed";
  switch (listenerJob.state) {
    case "available":
      return `no worker has taken the job of listener ${listenerJob.type}`;
    case "activated":
      return `worker ${listenerJob.workerId} works on the job of listener ${listenerJob.type}`;
    case "incident":
      return `listener ${listenerJob.type} ran out of retries and waits for an operator`;
  }
}

/** Shows why, once in the timeline and always in the cancellation, and looks again later. */
function stayOverdue(draft: Draft, reason: string): Decision {
  if (cancellationOf(draft).overdueReason === null) record(draft, "overdue", { reason });
  amend(draft, { overdueReason: reason });
  watchOver(draft, draft.now);
  return accept(draft);
}
