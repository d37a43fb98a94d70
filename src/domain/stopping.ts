/**
 * The course of a cancellation: children, stop, listeners, end. Each function here takes the cancellation one step on, and calls the
 * next where there is nothing to wait for.
 */
import type { Cancellation, Outcome, Stage, StopProof } from "./cancellation.ts";
import { listenerJobKey } from "./cancellation.ts";
import { type Draft, record } from "./decision.ts";
import type { QueueItem, State } from "./execution.ts";
import { CHILDREN_GRACE, OVERDUE_AFTER } from "./kind_rules.ts";

/** The current cancellation. Only called where there is one: in its own steps. */
export function cancellationOf(draft: Draft): Cancellation {
  const { cancellation } = draft.execution;
  if (cancellation === null) throw new Error("a step of a cancellation was taken without one");
  return cancellation;
}

export function amend(draft: Draft, change: Partial<Cancellation>): void {
  draft.execution = { ...draft.execution, cancellation: { ...cancellationOf(draft), ...change } };
}

/** The first step: pending queue items go at once, then the children's turn comes, then the work's own. */
export function begin(draft: Draft): void {
  cancelPendingQueueItems(draft);
  const { id, strategy, forceAfter } = cancellationOf(draft);
  if (strategy === "soft") markCancelled(draft);
  if (!draft.facts.hasLiveChildren) {
    takeTurn(draft);
    return;
  }
  const grace = strategy === "soft_then_force" ? forceAfter : CHILDREN_GRACE;
  amend(draft, { stage: "children", proof: draft.execution.lease === null ? "none" : "pending" });
  record(draft, "children_cancelling");
  draft.effects.push({ type: "cancel_children", dueAt: draft.now, cancellationId: id });
  draft.effects.push({ type: "children_timer", dueAt: draft.now + grace, cancellationId: id });
}

/** The work's own turn: ask it to stop, or terminate it, or see that there is nothing to stop. */
export function takeTurn(draft: Draft): void {
  const { execution } = draft;
  const cancellation = cancellationOf(draft);
  if (cancellation.proof === "confirmed") {
    listen(draft);
    return;
  }
  if (execution.lease === null) {
    amend(draft, { proof: "none" });
    listen(draft);
    return;
  }
  if (execution.lease.expired) {
    loseProof(draft, `worker ${execution.lease.workerId} had lost its lease`);
    return;
  }
  amend(draft, { proof: "pending" });
  if (cancellation.strategy === "hard") {
    terminate(draft, "strategy hard");
  } else {
    requestStop(draft, execution.lease.workerId);
  }
}

function requestStop(draft: Draft, workerId: string): void {
  const { id, strategy } = cancellationOf(draft);
  amend(draft, { stage: "stopping" });
  record(draft, "stop_requested", { worker_id: workerId });
  draft.effects.push({ type: "request_stop", dueAt: draft.now, cancellationId: id });
  if (strategy === "soft_then_force") scheduleForce(draft);
  else watchOver(draft, draft.now);
}

/** Sets the time at which the work is terminated unless it has stopped by then. */
export function scheduleForce(draft: Draft): void {
  const { id, forceAfter } = cancellationOf(draft);
  const forceAt = draft.now + forceAfter;
  amend(draft, { forceAt, termination: "pending" });
  draft.effects.push({ type: "force_timer", dueAt: forceAt, cancellationId: id });
  watchOver(draft, forceAt);
}

export function terminate(draft: Draft, cause: string): void {
  const { id, forceAt } = cancellationOf(draft);
  amend(draft, { stage: "terminating", termination: "pending", forceAt: Math.min(forceAt ?? draft.now, draft.now) });
  record(draft, "terminate_requested", { cause });
  draft.effects.push({ type: "terminate", dueAt: draft.now, cancellationId: id });
  watchOver(draft, draft.now);
}

/** Has the engine asked, some time after `from`, why the cancellation has not ended. */
export function watchOver(draft: Draft, from: number): void {
  const { id } = cancellationOf(draft);
  draft.effects.push({ type: "verify", dueAt: from + OVERDUE_AFTER, cancellationId: id });
}

/** The stop is proven. */
export function confirmStop(draft: Draft, evidence: string): void {
  const { stage, termination } = cancellationOf(draft);
  record(draft, "stop_confirmed", evidence === "" ? {} : { evidence });
  amend(draft, { proof: "confirmed", termination: termination === "pending" ? "not_needed" : termination });
  endQueueItems(draft, "cancelled");
  if (stage === "stopping" || stage === "terminating") listen(draft);
}

/** The stop can't be proven any more. */
export function loseProof(draft: Draft, cause: string): void {
  const { termination } = cancellationOf(draft);
  record(draft, "stop_lost", { cause });
  amend(draft, { proof: "lost", termination: termination === "pending" ? "not_needed" : termination });
  endQueueItems(draft, "cancelled");
  listen(draft);
}

/** The listeners' turn, from the first. */
function listen(draft: Draft): void {
  offerListenerJob(draft, 0);
  if (cancellationOf(draft).stage === "listeners") watchOver(draft, draft.now);
}

/** Offers the job of the listener at `index`, or ends the cancellation if there is no such listener. */
export function offerListenerJob(draft: Draft, index: number): void {
  const { id } = cancellationOf(draft);
  const listener = draft.execution.spec.listeners[index];
  if (listener === undefined) {
    end(draft, "cancelled");
    return;
  }
  amend(draft, {
    stage: "listeners",
    listenerJob: {
      key: listenerJobKey(id, index),
      index,
      type: listener.type,
      state: "available",
      retries: listener.retries,
      activation: 0,
      workerId: null,
      availableAt: draft.now,
      message: "",
    },
  });
  record(draft, "listener_job_created", { listener_type: listener.type });
}

/** The last step. A cancelled execution is cancelled from here on, if it was not before. */
export function end(draft: Draft, outcome: Exclude<Outcome, "pending">, failure: string | null = null): void {
  if (outcome === "cancelled" && draft.execution.state !== "cancelled") markCancelled(draft);
  const stage: Stage = "ended";
  amend(draft, {
    stage,
    outcome,
    failure,
    endedAt: draft.now,
    listenerJob: null,
    incidentAt: null,
    overdueReason: null,
  });
  const proof: StopProof = cancellationOf(draft).proof;
  record(draft, "cancellation_ended", { outcome, proof, ...(failure === null ? {} : { failure }) });
}

/** The engine says that the work finished before the stop took effect. */
export function endAsFinished(draft: Draft, state: Extract<State, "completed" | "failed">, detail: string): void {
  draft.execution = { ...draft.execution, state, endedAt: draft.now };
  record(draft, state, { message: detail });
  amend(draft, { proof: "confirmed", termination: "not_needed" });
  endQueueItems(draft, "completed");
  end(draft, "finished_first");
}

function markCancelled(draft: Draft): void {
  const { spec, outcomeId } = draft.execution;
  draft.execution = {
    ...draft.execution,
    state: "cancelled",
    endedAt: draft.now,
    outcomeId: spec.canceledOutcomeId ?? outcomeId,
  };
  if (draft.execution.lease === null) endQueueItems(draft, "cancelled");
}

function cancelPendingQueueItems(draft: Draft): void {
  const pending = draft.execution.queueItems.filter((item) => item.state === "pending");
  if (pending.length === 0) return;
  const queueItems = draft.execution.queueItems.map(
    (item): QueueItem => (item.state === "pending" ? { id: item.id, state: "cancelled" } : item),
  );
  draft.execution = { ...draft.execution, queueItems };
  record(draft, "queue_items_cancelled", { ids: pending.map((item) => item.id).join(", ") });
}

/** Queue items that were still open end with the work. */
export function endQueueItems(draft: Draft, state: "completed" | "cancelled"): void {
  if (!draft.execution.queueItems.some(isOpen)) return;
  const queueItems = draft.execution.queueItems.map(
    (item): QueueItem => (isOpen(item) ? { id: item.id, state } : item),
  );
  draft.execution = { ...draft.execution, queueItems };
}

function isOpen(item: QueueItem): boolean {
  return item.state === "pending" || item.state === "executing";
}
