/** belay.v1.ExecutionService. */
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type ExecutionService,
  type ListFilter,
  WatchExecutionResponseSchema,
} from "../../gen/belay/v1/execution_service_pb.ts";
import type { Execution, Kind } from "../domain/execution.ts";
import type { Page, Service, StoredEvent } from "../service/service.ts";
import { mapped } from "./accompanied.ts";
import { callerOf } from "./caller.ts";
import { assessmentMessage } from "./convert/assessment.ts";
import { leaseMessage } from "./convert/claim.ts";
import { executionErrorOf, executionMessage } from "./convert/execution.ts";
import { keyOf } from "./convert/execution_ref.ts";
import { executionFilterOf, pageRequestOf } from "./convert/filters.ts";
import { integerOf } from "./convert/integer.ts";
import { jsonObjectOf } from "./convert/json.ts";
import { processMessage } from "./convert/process.ts";
import { processInstanceMessage } from "./convert/process_instance.ts";
import { registerRequestOf } from "./convert/registration.ts";
import { timelineEventMessage } from "./convert/timeline_event.ts";
import { workflowInstanceMessage } from "./convert/workflow_instance.ts";
import { workflowRunMessage } from "./convert/workflow_run.ts";
import { idempotencyOf } from "./idempotency.ts";
import { rememberLast } from "./remember_last.ts";

interface ListRequest {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly filter?: ListFilter | undefined;
}

export function executionHandlers(service: Service): ServiceImpl<typeof ExecutionService> {
  const toldOf = rememberLast((event: StoredEvent) =>
    create(WatchExecutionResponseSchema, { event: timelineEventMessage(event) }),
  );
  const get = (kind: Kind, id: string, context: HandlerContext): Promise<Execution> =>
    service.getExecution({ tenant: callerOf(context).tenant, kind, id });

  const list = (
    kind: Kind,
    request: ListRequest,
    context: HandlerContext,
    workflowId = "",
  ): Promise<Page<Execution>> => {
    const filter = executionFilterOf(kind, request.filter, workflowId === "" ? null : workflowId);
    return service.listExecutions(callerOf(context).tenant, filter, pageRequestOf(request));
  };

  return {
    async registerExecution(request, context) {
      const registration = registerRequestOf(callerOf(context).tenant, request);
      const execution = await service.register({ ...registration, idempotency: idempotencyOf(request, context) });
      return { execution: executionMessage(execution), lease: leaseMessage(execution, registration.claim) };
    },

    async completeExecution(request, context) {
      const key = keyOf(callerOf(context).tenant, request.execution, "execution");
      const token = integerOf(request.token, "token");
      const result = request.result === undefined ? null : jsonObjectOf(request.result, "result");
      const idempotency = idempotencyOf(request, context);
      const execution = await service.complete(key, token, result, request.outcomeId ?? null, idempotency);
      return { execution: executionMessage(execution) };
    },

    async failExecution(request, context) {
      const key = keyOf(callerOf(context).tenant, request.execution, "execution");
      const token = integerOf(request.token, "token");
      const error = executionErrorOf(request.error);
      return { execution: executionMessage(await service.fail(key, token, error, idempotencyOf(request, context))) };
    },

    watchExecution(request, context) {
      const key = keyOf(callerOf(context).tenant, request.execution, "execution");
      const after = integerOf(request.afterSequence, "after_sequence");
      return mapped(service.watchExecution(key, after, context.signal), toldOf);
    },

    async getProcessInstance(request, context) {
      const execution = await get("process_instance", request.processInstanceKey, context);
      return { processInstance: processInstanceMessage(execution) };
    },

    async listProcessInstances(request, context) {
      const { items, nextPageToken } = await list("process_instance", request, context);
      return { processInstances: items.map(processInstanceMessage), nextPageToken };
    },

    async getProcess(request, context) {
      return { process: processMessage(await get("process", request.processId, context)) };
    },

    async listProcesses(request, context) {
      const { items, nextPageToken } = await list("process", request, context);
      return { processes: items.map(processMessage), nextPageToken };
    },

    async getWorkflowInstance(request, context) {
      const execution = await get("workflow_instance", request.instanceId, context);
      return { workflowInstance: workflowInstanceMessage(execution) };
    },

    async listWorkflowInstances(request, context) {
      const { items, nextPageToken } = await list("workflow_instance", request, context, request.workflowId);
      return { workflowInstances: items.map(workflowInstanceMessage), nextPageToken };
    },

    async getAssessment(request, context) {
      return { assessment: assessmentMessage(await get("assessment", request.assessmentId, context)) };
    },

    async listAssessments(request, context) {
      const { items, nextPageToken } = await list("assessment", request, context);
      return { assessments: items.map(assessmentMessage), nextPageToken };
    },

    async getWorkflowRun(request, context) {
      return { workflowRun: workflowRunMessage(await get("workflow_run", request.runId, context)) };
    },

    async listWorkflowRuns(request, context) {
      const { items, nextPageToken } = await list("workflow_run", request, context);
      return { workflowRuns: items.map(workflowRunMessage), nextPageToken };
    },
  };
}
