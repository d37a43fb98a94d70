/** The life of an execution without a cancel: registered, started, kept alive, ended by its own result. */

import type { Claim, Complete, Fail, Heartbeat, LeaseDue, Register, Start } from "./command.ts";
import { accept, type Decision, type Draft, draftOf, type Facts, record, refuse, unchanged } from "./decision.ts";
import { type Execution, type ExecutionKey, type ExecutionRef, type Lease, rootOf } from "./execution.ts";
import { sameJson } from "./json.ts";
import { nameOf, refuseCancelled, refuseFinished, refuseStaleToken, refuseUnderWay } from "./refusals.ts";
import { amend, cancellationOf, endQueueItems, loseProof } from "./stopping.ts";
import type { Millis } from "./time.ts";

/** Registers an execution that is not known yet. */
export function registerNew(key: ExecutionKey, command: Register, now: Millis, facts: Facts): Decision {
  const { parent } = facts;
  if (command.spec.parent !== null) {
    if (parent === null) return refuseUnknownParent(key, command.spec.parent);
    if (parent.state !== "pending" && parent.state !== "running") return refuseParentNotLive(parent);
  }
  const execution: Execution = {
    key,
    spec: { ...command.spec, root: parent === null ? null : rootOf(parent) },
    state: "pending",
    token: 0,
    lease: null,
    queueItems: command.queueItems,
    result: null,
    error: null,
    outcomeId: null,
    cancellation: null,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
  const draft = draftOf(execution, now, facts);
  record(draft, "registered", { engine: command.spec.engine });
  if (parent !== null) draft.effects.push({ type: "notify_parent", dueAt: now, change: "registered" });
  if (command.claim !== null) takeLease(draft, command.claim);
  return accept(draft);
}

function refuseUnknownParent(key: ExecutionKey, parent: ExecutionRef): Decision {
  const name = nameOf({ tenant: key.tenant, ...parent });
  return refuse(null, "parent_not_found", `the parent, ${name}, is not registered`, {
    kind: parent.kind,
    id: parent.id,
  });
}

function refuseParentNotLive(parent: Execution): Decision {
  const { key, state } = parent;
  return refuse(null, "parent_not_live", `the parent, ${nameOf(key)}, takes no more children: it is ${state}`, {
    kind: key.kind,
    id: key.id,
    state,
  });
}

/** Registers an execution that is known: the same again is welcome, another under the same id is not. */
export function registerAgain(draft: Draft, command: Register): Decision {
  const { execution } = draft;
  const differing = Object.entries(command.spec).find(([name, value]) => !sameJson(value, specField(execution, name)));
  if (differing !== undefined) {
    return refuse(
      execution,
      "execution_exists",
      `${nameOf(execution.key)} is registered already, with another ${differing[0]}`,
      { field: differing[0] },
    );
  }
  if (command.claim === null) return unchanged(execution);
  return claimRegistered(draft, { type: "start", claim: command.claim });
}

function specField(execution: Execution, name: string): unknown {
  return Object.entries(execution.spec).find(([field]) => field === name)?.[1];
}

function claimRegistered(draft: Draft, command: Start): Decision {
  switch (draft.execution.state) {
    case "pending":
      return start(draft, command);
    case "running":
      return startRunning(draft, command);
    case "cancelling":
      return refuseUnderWay(draft.execution);
    case "completed":
    case "failed":
      return refuseFinished(draft.execution);
    case "cancelled":
      return refuseCancelled(draft.execution);
  }
}

/** Starts work that nobody has started. */
export function start(draft: Draft, command: Start): Decision {
  takeLease(draft, command.claim);
  return accept(draft);
}

/** Starts work that runs: the holder gets its lease again, another worker may take over a lease that has ended. */
export function startRunning(draft: Draft, command: Start): Decision {
  const { execution } = draft;
  const { lease } = execution;
  if (lease === null || lease.expired) {
    takeLease(draft, command.claim);
    return accept(draft);
  }
  if (lease.workerId === command.claim.workerId) {
    extendLease(draft, lease);
    return accept(draft, "unchanged");
  }
  return refuse(execution, "lease_held", `worker '${lease.workerId}' holds the lease of ${nameOf(execution.key)}`, {
    worker_id: lease.workerId,
  });
}

function takeLease(draft: Draft, claim: Claim): void {
  const { execution, now } = draft;
  const token = execution.token + 1;
  const expiresAt = now + claim.leaseDuration;
  draft.execution = {
    ...execution,
    state: "running",
    token,
    lease: { workerId: claim.workerId, token, expiresAt, duration: claim.leaseDuration, expired: false },
    startedAt: execution.startedAt ?? now,
  };
  record(draft, "started", { worker_id: claim.workerId, token: String(token) }, false);
  draft.effects.push({ type: "lease_timer", dueAt: expiresAt, token });
}

/** A heartbeat of running work: extends the lease, or revives it if nobody took over. */
export function heartbeat(draft: Draft, command: Heartbeat): Decision {
  const { lease } = draft.execution;
  if (lease === null || lease.token !== command.token) return unchanged(draft.execution);
  extendLease(draft, lease);
  return accept(draft);
}

/**
 * A heartbeat of work that is being stopped. Its answer carries the signal (see `signalFor`), so the signal counts as delivered. Once
 * the proof is there or lost, there is no lease left to extend.
 */
export function heartbeatWhileStopping(draft: Draft, command: Heartbeat): Decision {
  const { lease } = draft.execution;
  const { stage } = cancellationOf(draft);
  if (lease === null || lease.token !== command.token) return unchanged(draft.execution);
  if (stage === "listeners" || stage === "ended") return unchanged(draft.execution);
  extendLease(draft, lease);
  if (stage === "stopping") markStopDelivered(draft);
  if (stage === "terminating") markTerminateDelivered(draft);
  return accept(draft);
}

function extendLease(draft: Draft, lease: Lease): void {
  draft.execution = {
    ...draft.execution,
    lease: { ...lease, expiresAt: draft.now + lease.duration, expired: false },
  };
  if (!lease.expired) return;
  record(draft, "lease_renewed", { worker_id: lease.workerId }, false);
  draft.effects.push({ type: "lease_timer", dueAt: draft.now + lease.duration, token: lease.token });
}

/** The stop request has reached the worker or the engine. */
export function markStopDelivered(draft: Draft): void {
  if (cancellationOf(draft).stopDelivered) return;
  amend(draft, { stopDelivered: true });
  record(draft, "stop_delivered");
}

/** The terminate has reached the worker or the engine. */
export function markTerminateDelivered(draft: Draft): void {
  if (cancellationOf(draft).termination === "issued") return;
  amend(draft, { termination: "issued" });
  record(draft, "terminate_delivered");
}

/** The lease of running work should have ended. Heartbeats don't move the timer, so it looks, and waits on if they came. */
export function leaseDue(draft: Draft, command: LeaseDue): Decision {
  const ended = endLease(draft, command);
  return ended === null ? unchanged(draft.execution) : accept(draft);
}

/** The same for work that is being stopped: if its turn has come, its stop can't be proven any more. */
export function leaseDueWhileStopping(draft: Draft, command: LeaseDue): Decision {
  const { stage } = cancellationOf(draft);
  if (stage === "listeners" || stage === "ended") return unchanged(draft.execution);
  const ended = endLease(draft, command);
  if (ended === null) return unchanged(draft.execution);
  if (ended.expired && stage !== "children")
    loseProof(draft, `worker ${ended.workerId} did not report before its lease ended`);
  return accept(draft);
}

/** The lease after its timer fired, expired or waiting on; null if the timer belongs to an earlier lease. */
function endLease(draft: Draft, command: LeaseDue): Lease | null {
  const { lease } = draft.execution;
  if (lease === null || lease.token !== command.token || lease.expired) return null;
  if (lease.expiresAt > draft.now) {
    draft.effects.push({ type: "lease_timer", dueAt: lease.expiresAt, token: lease.token });
    return lease;
  }
  const expired: Lease = { ...lease, expired: true };
  draft.execution = { ...draft.execution, lease: expired };
  record(draft, "lease_expired", { worker_id: lease.workerId }, false);
  return expired;
}

/** A result of work that no worker holds. */
export function completePending(draft: Draft, command: Complete | Fail): Decision {
  if (command.token !== 0) return refuseStaleToken(draft.execution, command.token);
  return finish(draft, command);
}

/** A result of running work: only its current holder may give one. */
export function completeRunning(draft: Draft, command: Complete | Fail): Decision {
  const { execution } = draft;
  if (command.token === 0 && execution.lease !== null) {
    return refuse(
      execution,
      "lease_held",
      `worker '${execution.lease.workerId}' holds the lease of ${nameOf(execution.key)}; give its token`,
      { worker_id: execution.lease.workerId },
    );
  }
  if (command.token !== execution.token) return refuseStaleToken(execution, command.token);
  return finish(draft, command);
}

/** A result that came after the cancel: refused, and the timeline says so. */
export function refuseResult(draft: Draft, command: Complete | Fail): Decision {
  const { execution } = draft;
  const refused = execution.state === "cancelled" ? refuseCancelled(execution) : refuseUnderWay(execution);
  if (execution.lease?.token !== command.token) return refused;
  record(draft, "result_refused", { result: command.type === "complete" ? "completed" : "failed" });
  return { ...accept(draft), reply: refused.reply };
}

/** A result of work that has ended: the same from the same worker is welcome. */
export function finishAgain(draft: Draft, command: Complete | Fail): Decision {
  const { execution } = draft;
  const state = command.type === "complete" ? "completed" : "failed";
  const { lease, token } = execution;
  // A token that is newer than the lease was given to nobody: it only says that the lease counts no more.
  const isHolders = command.token === token && (lease === null || lease.token === token);
  const same = execution.state === state && isHolders;
  return same ? unchanged(execution) : refuseFinished(execution);
}

function finish(draft: Draft, command: Complete | Fail): Decision {
  if (command.type === "complete") {
    draft.execution = {
      ...draft.execution,
      state: "completed",
      endedAt: draft.now,
      result: command.result,
      outcomeId: command.outcomeId ?? draft.execution.outcomeId,
    };
    record(draft, "completed", {}, false);
  } else {
    draft.execution = { ...draft.execution, state: "failed", endedAt: draft.now, error: command.error };
    record(draft, "failed", { message: command.error.message }, false);
  }
  endQueueItems(draft, "completed");
  return accept(draft);
}
