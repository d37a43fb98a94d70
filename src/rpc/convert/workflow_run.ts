/** Workflow runs (Retab). */
import { create } from "@bufbuild/protobuf";
import {
  type RunLifecycle,
  RunLifecycleKind,
  RunLifecycleSchema,
  type RunTiming,
  RunTimingSchema,
  type WorkflowRun,
  WorkflowRunDetailSchema,
  WorkflowRunSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution, State } from "../../domain/execution.ts";
import { detailMessage } from "./detail.ts";
import { executionMessage } from "./execution.ts";
import { timestampMessage } from "./time.ts";

export function workflowRunMessage(execution: Execution): WorkflowRun {
  return create(WorkflowRunSchema, {
    execution: executionMessage(execution),
    detail: detailMessage(WorkflowRunDetailSchema, execution),
    lifecycle: lifecycleMessage(execution),
    timing: timingMessage(execution),
  });
}

const LIFECYCLE_KINDS: Readonly<Record<State, RunLifecycleKind>> = {
  pending: RunLifecycleKind.PENDING,
  running: RunLifecycleKind.RUNNING,
  cancelling: RunLifecycleKind.RUNNING,
  completed: RunLifecycleKind.COMPLETED,
  failed: RunLifecycleKind.ERROR,
  cancelled: RunLifecycleKind.CANCELLED,
};

function lifecycleMessage(execution: Execution): RunLifecycle {
  const reason = endReasonOf(execution);
  return create(RunLifecycleSchema, {
    kind: LIFECYCLE_KINDS[execution.state],
    reason: reason === "" ? undefined : reason,
  });
}

/** Why the run ended as it did; empty if it has not, or nobody said. */
function endReasonOf({ state, cancellation, error }: Execution): string {
  if (state === "cancelled") return cancellation?.reason ?? "";
  if (state === "failed") return error?.message ?? "";
  return "";
}

function timingMessage({ createdAt, startedAt, endedAt }: Execution): RunTiming {
  return create(RunTimingSchema, {
    createdAt: timestampMessage(createdAt),
    startedAt: timestampMessage(startedAt),
    completedAt: timestampMessage(endedAt),
    durationMs: startedAt === null || endedAt === null ? undefined : BigInt(endedAt - startedAt),
  });
}
