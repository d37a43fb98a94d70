/** Cancel commands: beginning a cancellation, joining it, escalating it. */
import { type Cancellation, isStronger, type Strategy } from "./cancellation.ts";
import type { Cancel } from "./command.ts";
import { accept, type Decision, type Draft, record, refuse } from "./decision.ts";
import { rootOf } from "./execution.ts";
import { KIND_RULES } from "./kind_rules.ts";
import { nameOf } from "./refusals.ts";
import { amend, begin, cancellationOf, scheduleForce, terminate } from "./stopping.ts";

/** A cancel of an execution that has not ended and is not being cancelled. */
export function cancel(draft: Draft, command: Cancel): Decision {
  const { execution, now } = draft;
  if (
    command.parentCancellationId === null &&
    execution.spec.parent !== null &&
    KIND_RULES[execution.key.kind].onlyRoots
  ) {
    return refuseChild(draft);
  }
  const cancellation: Cancellation = {
    id: command.cancellationId,
    strategy: command.strategy,
    forceAfter: command.forceAfter,
    reason: command.reason,
    requestedBy: command.requestedBy,
    requestedAt: now,
    parentCancellationId: command.parentCancellationId,
    stage: "stopping",
    outcome: "pending",
    proof: "none",
    termination: "not_needed",
    stopDelivered: false,
    forceAt: null,
    listenerJob: null,
    incidentAt: null,
    overdueReason: null,
    failure: null,
    endedAt: null,
  };
  draft.execution = {
    ...execution,
    state: "cancelling",
    // Overtakes the lease: a result that the worker sends from now on is refused.
    token: execution.lease === null ? execution.token : execution.token + 1,
    cancellation,
  };
  record(draft, "cancellation_requested", requestAttributes(command));
  begin(draft);
  return accept(draft);
}

/** A cancel of an execution that is being cancelled: joins, or escalates if it is stronger. */
export function cancelAgain(draft: Draft, command: Cancel): Decision {
  const current = cancellationOf(draft);
  // The cascade may run twice; the second run is the same request and leaves no trace.
  if (command.parentCancellationId !== null && !isStronger(command.strategy, current.strategy)) {
    return accept(draft, "joined");
  }
  if (!isStronger(command.strategy, current.strategy)) {
    record(draft, "cancellation_joined", requestAttributes(command));
    return accept(draft, "joined");
  }
  escalate(draft, command, current.strategy);
  return accept(draft, "escalated");
}

/** A cancel of a cancelled execution: its stop may not be proven yet, and then it can be joined or escalated. */
export function cancelCancelled(draft: Draft, command: Cancel): Decision {
  const current = cancellationOf(draft);
  return current.stage === "ended" ? accept(draft, "already_cancelled") : cancelAgain(draft, command);
}

/** A cancel of an execution that completed or failed: each kind has its own answer to that. */
export function cancelFinished(draft: Draft): Decision {
  return accept(draft, "already_finished");
}

function escalate(draft: Draft, command: Cancel, from: Strategy): void {
  const { id, stage } = cancellationOf(draft);
  const { strategy, forceAfter } = command;
  amend(draft, { strategy, forceAfter });
  record(draft, "cancellation_escalated", { from, ...requestAttributes(command) });
  if (stage === "children") draft.effects.push({ type: "cancel_children", dueAt: draft.now, cancellationId: id });
  if (stage !== "stopping") return;
  if (strategy === "hard") terminate(draft, "escalated to hard");
  else scheduleForce(draft);
}

function requestAttributes(command: Cancel): Record<string, string> {
  return {
    strategy: command.strategy,
    ...(command.strategy === "soft_then_force" ? { force_after_ms: String(command.forceAfter) } : {}),
    ...(command.reason === "" ? {} : { reason: command.reason }),
    ...(command.requestedBy?.system ? { system: command.requestedBy.system } : {}),
    ...(command.requestedBy?.user ? { user: command.requestedBy.user } : {}),
    ...(command.operationReference === null ? {} : { operation_reference: command.operationReference }),
  };
}

function refuseChild(draft: Draft): Decision {
  const { execution } = draft;
  const root = rootOf(execution);
  return refuse(
    execution,
    "not_a_root",
    `${nameOf(execution.key)} is a child; cancel its root instead: ${KIND_RULES[root.kind].noun} '${root.id}'`,
    { root_kind: root.kind, root_id: root.id },
  );
}
