/** Listener jobs: taken, completed, failed, timed out, and given new retries by an operator. */
import type { ListenerJob } from "./cancellation.ts";
import type {
  ActivateListenerJob,
  CompleteListenerJob,
  FailListenerJob,
  ListenerLockDue,
  ResolveIncident,
} from "./command.ts";
import { accept, type Decision, type Draft, record, refuse, unchanged } from "./decision.ts";
import type { Execution } from "./execution.ts";
import { amend, cancellationOf, offerListenerJob } from "./stopping.ts";

/** A worker takes the job, if it can be taken now. */
export function activateListenerJob(draft: Draft, command: ActivateListenerJob): Decision {
  const job = jobOf(draft, command.jobKey);
  if (job === null) return refuseUnknownJob(draft.execution, command.jobKey);
  if (job.state === "incident" || job.availableAt > draft.now) return refuseNotHeld(draft.execution, command.jobKey);
  const activation = job.activation + 1;
  const availableAt = draft.now + command.lock;
  amend(draft, {
    listenerJob: { ...job, state: "activated", activation, workerId: command.workerId, availableAt },
  });
  record(draft, "listener_job_activated", { listener_type: job.type, worker_id: command.workerId });
  draft.effects.push({ type: "listener_timer", dueAt: availableAt, jobKey: job.key, activation });
  return accept(draft);
}

export function completeListenerJob(draft: Draft, command: CompleteListenerJob): Decision {
  const job = jobOf(draft, command.jobKey);
  if (job === null) return refuseUnknownJob(draft.execution, command.jobKey);
  if (!isHeld(job, command.activation)) return refuseNotHeld(draft.execution, command.jobKey);
  record(draft, "listener_job_completed", { listener_type: job.type });
  offerListenerJob(draft, job.index + 1);
  return accept(draft);
}

export function failListenerJob(draft: Draft, command: FailListenerJob): Decision {
  const job = jobOf(draft, command.jobKey);
  if (job === null) return refuseUnknownJob(draft.execution, command.jobKey);
  if (!isHeld(job, command.activation)) return refuseNotHeld(draft.execution, command.jobKey);
  const retries = command.retries ?? job.retries - 1;
  const failed: ListenerJob = { ...job, workerId: null, retries, message: command.message };
  if (retries > 0) {
    amend(draft, { listenerJob: { ...failed, state: "available", availableAt: draft.now + command.backoff } });
    record(draft, "listener_job_failed", {
      listener_type: job.type,
      retries: String(retries),
      message: command.message,
    });
  } else {
    amend(draft, { listenerJob: { ...failed, state: "incident" }, incidentAt: draft.now });
    record(draft, "incident_raised", { listener_type: job.type, message: command.message });
  }
  return accept(draft);
}

/** The lock has ended: the job can be taken again, and its retries are as they were. */
export function listenerLockDue(draft: Draft, command: ListenerLockDue): Decision {
  const job = jobOf(draft, command.jobKey);
  if (job === null || !isHeld(job, command.activation)) return unchanged(draft.execution);
  if (job.availableAt > draft.now) {
    // Whoever watches the timers may have a clock that is a little ahead.
    draft.effects.push({
      type: "listener_timer",
      dueAt: job.availableAt,
      jobKey: job.key,
      activation: job.activation,
    });
    return accept(draft, "unchanged");
  }
  amend(draft, { listenerJob: { ...job, state: "available", workerId: null } });
  record(draft, "listener_job_timed_out", { listener_type: job.type, worker_id: job.workerId ?? "" });
  return accept(draft);
}

/** An operator has mended the cause. */
export function resolveIncident(draft: Draft, command: ResolveIncident): Decision {
  const { id, listenerJob } = cancellationOf(draft);
  if (id !== command.cancellationId || listenerJob?.state !== "incident") {
    return refuseNoIncident(draft.execution);
  }
  const { retries } = command;
  amend(draft, {
    listenerJob: { ...listenerJob, state: "available", retries, availableAt: draft.now },
    incidentAt: null,
  });
  record(draft, "incident_resolved", { listener_type: listenerJob.type, retries: String(retries) });
  return accept(draft);
}

export function refuseNoIncident(execution: Execution): Decision {
  return refuse(execution, "no_incident", "the cancellation has no incident to resolve");
}

export function refuseUnknownJob(execution: Execution, jobKey: string): Decision {
  return refuse(execution, "listener_job_not_found", `no listener job '${jobKey}' is open: it is unknown or done`, {
    job_key: jobKey,
  });
}

function refuseNotHeld(execution: Execution, jobKey: string): Decision {
  return refuse(execution, "listener_job_not_held", `this activation does not hold listener job '${jobKey}'`, {
    job_key: jobKey,
  });
}

function jobOf(draft: Draft, jobKey: string): ListenerJob | null {
  const { listenerJob } = cancellationOf(draft);
  return listenerJob?.key === jobKey ? listenerJob : null;
}

function isHeld(job: ListenerJob, activation: number): boolean {
  return job.state === "activated" && job.activation === activation;
}
