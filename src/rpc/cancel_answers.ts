/** What the cancel of each kind answers, as its public contract has it. */
import { create } from "@bufbuild/protobuf";
import type { Cancellation as CancellationMessage } from "../../gen/belay/v1/cancellation_pb.ts";
import {
  type CancelAssessmentWorkflowResponse,
  CancelAssessmentWorkflowResponseSchema,
  type CancelProcessInstanceResponse,
  CancelProcessInstanceResponseSchema,
  type CancelProcessResponse,
  CancelProcessResponseSchema,
  CancelProcessStatus,
  type CancelWorkflowInstanceResponse,
  CancelWorkflowInstanceResponseSchema,
  type CancelWorkflowRunResponse,
  CancelWorkflowRunResponseSchema,
  RunCancellationStatus,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ProcessDetailSchema } from "../../gen/belay/v1/execution_pb.ts";
import type { Cancellation } from "../domain/cancellation.ts";
import type { Execution } from "../domain/execution.ts";
import { type RefusalReason, Refused, refusal } from "../domain/refusal.ts";
import { nameOf } from "../domain/refusals.ts";
import type { CancelAnswer } from "../service/service.ts";
import { assessmentMessage } from "./convert/assessment.ts";
import { cancellationMessage } from "./convert/cancellation.ts";
import { detailMessage } from "./convert/detail.ts";
import { TERMINATION_MESSAGES } from "./convert/enums.ts";
import { processMessage } from "./convert/process.ts";
import { processInstanceMessage } from "./convert/process_instance.ts";
import { workflowInstanceMessage } from "./convert/workflow_instance.ts";
import { workflowRunMessage } from "./convert/workflow_run.ts";
import { failureToError } from "./errors.ts";

/** Succeeds only once the process instance is cancelled: whoever asks waits for the end, and is told of every other. */
export function cancelProcessInstanceAnswer(answer: CancelAnswer): CancelProcessInstanceResponse {
  requireNotEnded(answer);
  requireCancelled(answer);
  return create(CancelProcessInstanceResponseSchema, {
    cancellation: answeredCancellation(answer),
    processInstance: processInstanceMessage(answer.execution),
  });
}

/** Never fails: a process that has ended is left as it is, and the status says so. */
export function cancelProcessAnswer(answer: CancelAnswer): CancelProcessResponse {
  const { execution } = answer;
  const { target, container } = detailMessage(ProcessDetailSchema, execution);
  const processId = execution.key.id;
  const activeIds = activeQueueItemIds(execution);
  const termination = execution.cancellation?.termination ?? "not_needed";
  return create(CancelProcessResponseSchema, {
    status: hadEnded(answer) ? CancelProcessStatus.IGNORED_TERMINAL : CancelProcessStatus.CANCEL_REQUESTED,
    cancelledQueueItemIds: cancelledQueueItemIds(execution),
    activeQueueItemIds: activeIds,
    activeTarget: {
      processId,
      phoneId: target?.phoneId,
      accountId: target?.accountId,
      capabilityRequestId: target?.capabilityRequestId,
      queueItemId: activeIds[0],
    },
    termination: {
      processId,
      status: TERMINATION_MESSAGES[termination],
      terminateIssued: termination === "issued",
      container,
    },
    process: processMessage(execution),
    cancellation: answeredCancellation(answer),
  });
}

/** A soft cancellation has cancelled the process before its stop is proven: whoever joins it then finds it ended. */
function hadEnded({ disposition, execution }: CancelAnswer): boolean {
  switch (disposition) {
    case "already_cancelled":
    case "already_finished":
      return true;
    case "joined":
      return execution.state === "cancelled";
    default:
      return false;
  }
}

export function cancelWorkflowInstanceAnswer(answer: CancelAnswer): CancelWorkflowInstanceResponse {
  requireNotEnded(answer);
  return create(CancelWorkflowInstanceResponseSchema, {
    id: answer.execution.key.id,
    cancellation: answeredCancellation(answer),
    workflowInstance: workflowInstanceMessage(answer.execution),
  });
}

/** Cancelling what is cancelled succeeds. */
export function cancelAssessmentWorkflowAnswer(answer: CancelAnswer): CancelAssessmentWorkflowResponse {
  if (answer.disposition === "already_finished") throw ended("already_finished", answer.execution);
  return create(CancelAssessmentWorkflowResponseSchema, {
    cancellation: answeredCancellation(answer),
    assessment: assessmentMessage(answer.execution),
  });
}

/** Never fails: the status says how far the cancel is. */
export function cancelWorkflowRunAnswer(answer: CancelAnswer): CancelWorkflowRunResponse {
  return create(CancelWorkflowRunResponseSchema, {
    run: workflowRunMessage(answer.execution),
    cancellationStatus: runCancellationStatusOf(answer.execution),
    redisAvailable: answer.flagRaised,
    cancellation: answeredCancellation(answer),
  });
}

/** CANCELLATION_FAILED also where the engine refused to stop the run: it goes on, as its state shows. */
function runCancellationStatusOf({ state }: Execution): RunCancellationStatus {
  switch (state) {
    case "cancelled":
      return RunCancellationStatus.CANCELLED;
    case "cancelling":
      return RunCancellationStatus.CANCELLATION_REQUESTED;
    case "pending":
    case "running":
    case "completed":
    case "failed":
      return RunCancellationStatus.CANCELLATION_FAILED;
  }
}

/** The cancellation with its timeline. Unset if the execution had finished: then there was nothing to cancel. */
function answeredCancellation({ disposition, execution, timeline }: CancelAnswer): CancellationMessage | undefined {
  const { cancellation } = execution;
  if (cancellation === null || disposition === "already_finished") return undefined;
  return cancellationMessage({ execution, cancellation }, timeline);
}

function requireNotEnded({ disposition, execution }: CancelAnswer): void {
  if (disposition === "already_finished" || disposition === "already_cancelled") throw ended(disposition, execution);
}

function requireCancelled({ execution }: CancelAnswer): void {
  const { cancellation, key } = execution;
  switch (cancellation?.outcome) {
    case "cancelled":
      return;
    case "finished_first":
      throw ended("already_finished", execution);
    case "failed":
      throw refusedByEngine(execution, cancellation);
    default:
      throw new Refused(
        refusal("still_cancelling", `${nameOf(key)} is still being cancelled; ask again to wait on`, {
          cancellation_id: cancellation?.id ?? "",
        }),
      );
  }
}

function ended(
  reason: Extract<RefusalReason, "already_cancelled" | "already_finished">,
  execution: Execution,
): Refused {
  const { key, state, cancellation } = execution;
  const metadata = { kind: key.kind, id: key.id, state };
  const verb = reason === "already_cancelled" ? "been cancelled" : state;
  return new Refused(
    refusal(reason, `${nameOf(key)} has ${verb} already`, {
      ...metadata,
      ...(cancellation === null ? {} : { cancellation_id: cancellation.id }),
    }),
  );
}

/** Not UNAVAILABLE, which clients repeat by themselves: the engine refused for good. */
function refusedByEngine({ key, spec }: Execution, { id, failure }: Cancellation): Error {
  const message = `${nameOf(key)} runs on: engine '${spec.engine}' refused to stop it: ${failure ?? "no reason given"}`;
  return failureToError({ reason: "cancellation_failed", message, metadata: { cancellation_id: id } }, null);
}

function cancelledQueueItemIds({ cancellation, queueItems }: Execution): string[] {
  if (cancellation === null) return [];
  return queueItems.filter((item) => item.state === "cancelled").map((item) => item.id);
}

function activeQueueItemIds({ cancellation, queueItems }: Execution): string[] {
  if (cancellation?.proof !== "pending") return [];
  return queueItems.filter((item) => item.state === "executing").map((item) => item.id);
}
