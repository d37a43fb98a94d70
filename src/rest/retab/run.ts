/** A workflow run as Retab's clients read it: what the older and the newer generation of them need, in one. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { RunLifecycleKind, type RunTiming, TriggerType, type WorkflowRun } from "../../../gen/belay/v1/execution_pb.ts";

export function runJson({ execution, detail, lifecycle, timing }: WorkflowRun): object {
  const workflow = detail?.workflow;
  const workflowId = workflow?.workflowId ?? "";
  const versionId = workflow?.workflowVersionId ?? "";
  return {
    id: execution?.ref?.id ?? "",
    organization_id: detail?.organizationId ?? "",
    workflow: {
      workflow_id: workflowId,
      version_id: versionId,
      snapshot_id: workflow?.snapshotId ?? "",
      name_at_run_time: workflow?.nameAtRunTime ?? "",
    },
    workflow_id: workflowId,
    workflow_version_id: versionId,
    trigger: { type: TRIGGERS[detail?.triggerType ?? TriggerType.UNSPECIFIED] },
    lifecycle: lifecycleJson(lifecycle?.kind ?? RunLifecycleKind.UNSPECIFIED, lifecycle?.reason),
    timing: timingJson(timing),
    inputs: { documents: detail?.inputs?.documents ?? {}, json_data: detail?.inputs?.jsonData ?? {} },
  };
}

const TRIGGERS: Readonly<Record<TriggerType, string>> = {
  [TriggerType.UNSPECIFIED]: "api",
  [TriggerType.MANUAL]: "manual",
  [TriggerType.API]: "api",
  [TriggerType.SCHEDULE]: "schedule",
  [TriggerType.WEBHOOK]: "webhook",
  [TriggerType.EMAIL]: "email",
  [TriggerType.CUSTOM]: "custom",
  [TriggerType.RESTART]: "restart",
};

const KINDS: Readonly<Record<RunLifecycleKind, string>> = {
  [RunLifecycleKind.UNSPECIFIED]: "pending",
  [RunLifecycleKind.PENDING]: "pending",
  [RunLifecycleKind.RUNNING]: "running",
  [RunLifecycleKind.COMPLETED]: "completed",
  [RunLifecycleKind.ERROR]: "error",
  [RunLifecycleKind.CANCELLED]: "cancelled",
};

/** Older clients read `kind`, newer ones `status`; both want a `message` where the run failed. */
function lifecycleJson(kind: RunLifecycleKind, reason: string | undefined): object {
  const word = KINDS[kind];
  const failure = kind === RunLifecycleKind.ERROR ? { message: reason ?? "" } : {};
  return { kind: word, status: word, reason: reason ?? null, ...failure };
}

/** No run of Belay waits for people, so it was active all the time. */
function timingJson(timing: RunTiming | undefined): object {
  const duration = timing?.durationMs === undefined ? null : Number(timing.durationMs);
  return {
    created_at: timeJson(timing?.createdAt),
    started_at: timeJson(timing?.startedAt),
    completed_at: timeJson(timing?.completedAt),
    human_waiting_started_at: null,
    accumulated_human_waiting_ms: 0,
    duration_ms: duration,
    active_duration_ms: duration,
  };
}

function timeJson(time: Timestamp | undefined): string | null {
  return time === undefined ? null : timestampDate(time).toISOString();
}
