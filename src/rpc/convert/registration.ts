/** What a caller registers. */
import { create } from "@bufbuild/protobuf";
import {
  AssessmentDetailSchema,
  type ProcessCallback,
  ProcessDetailSchema,
  ProcessInstanceDetailSchema,
  TriggerType,
  WorkflowInstanceDetailSchema,
  type WorkflowRunDetail,
  WorkflowRunDetailSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { RegisterExecutionRequest } from "../../../gen/belay/v1/execution_service_pb.ts";
import type { ExecutionSpec, Kind } from "../../domain/execution.ts";
import type { RegisterRequest } from "../../service/service.ts";
import { invalidRequest } from "../errors.ts";
import { optionalClaimOf } from "./claim.ts";
import { queueItemStateOfMessage } from "./enums.ts";
import { optionalRefOf, requiredKind } from "./execution_ref.ts";
import { messageJson, requireFinite } from "./json.ts";

/** The engine where the caller names none: a worker connected to Belay. */
const DEFAULT_ENGINE = "worker";

/** How often a listener's job may be tried where the caller does not say. */
const DEFAULT_LISTENER_RETRIES = 3;

export function registerRequestOf(tenant: string, message: RegisterExecutionRequest): RegisterRequest {
  const kind = requiredKind(message.kind, "kind");
  return {
    tenant,
    kind,
    id: message.id,
    spec: {
      engine: message.engine === "" ? DEFAULT_ENGINE : message.engine,
      parent: optionalRefOf(message.parent, "parent"),
      labels: { ...message.labels },
      listeners: message.listeners.map(({ type, retries = DEFAULT_LISTENER_RETRIES }) => ({ type, retries })),
      ...detailOf(kind, message.detail),
    },
    queueItems: message.queueItems.map(({ id, state }) => ({ id, state: queueItemStateOfMessage(state) ?? "pending" })),
    claim: optionalClaimOf(message.claim),
  };
}

type DetailOfKind = Pick<ExecutionSpec, "detail" | "workflowId" | "canceledOutcomeId" | "callbackUrl">;

/** That the detail is that of the kind is one of the contract's rules, checked before. */
function detailOf(kind: Kind, detail: RegisterExecutionRequest["detail"]): DetailOfKind {
  const particulars = { workflowId: null, canceledOutcomeId: null, callbackUrl: null };
  switch (detail.case) {
    case "processInstance":
      return { ...particulars, detail: messageJson(ProcessInstanceDetailSchema, detail.value) };
    case "process":
      requireFinite(detail.value.requestedBy?.metadata, "process.requested_by.metadata");
      requireFinite(detail.value.callback?.metadata, "process.callback.metadata");
      return {
        ...particulars,
        detail: messageJson(ProcessDetailSchema, detail.value),
        callbackUrl: callbackUrlOf(detail.value.callback),
      };
    case "workflowInstance": {
      const { workflowId } = detail.value;
      return { ...particulars, detail: messageJson(WorkflowInstanceDetailSchema, detail.value), workflowId };
    }
    case "assessment": {
      const canceledOutcomeId = detail.value.canceledOutcomeId === "" ? null : detail.value.canceledOutcomeId;
      return { ...particulars, detail: messageJson(AssessmentDetailSchema, detail.value), canceledOutcomeId };
    }
    case "workflowRun":
      return { ...particulars, detail: runDetailJson(detail.value) };
    case undefined:
      return { ...particulars, detail: kind === "workflow_run" ? runDetailJson(create(WorkflowRunDetailSchema)) : {} };
  }
}

/** Null if no callback is asked for. */
function callbackUrlOf(callback: ProcessCallback | undefined): string | null {
  if (callback === undefined || callback.url === "") return null;
  const url = URL.parse(callback.url);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalidRequest([{ field: "process.callback.url", description: "must be an http or https URL" }]);
  }
  if (url.username !== "" || url.password !== "") {
    const description = "must not hold a user name or password: receivers check the signature instead";
    throw invalidRequest([{ field: "process.callback.url", description }]);
  }
  return callback.url;
}

function runDetailJson(detail: WorkflowRunDetail): ExecutionSpec["detail"] {
  requireFinite(detail.inputs?.documents, "workflow_run.inputs.documents");
  requireFinite(detail.inputs?.jsonData, "workflow_run.inputs.json_data");
  const triggerType = detail.triggerType === TriggerType.UNSPECIFIED ? TriggerType.API : detail.triggerType;
  return messageJson(WorkflowRunDetailSchema, create(WorkflowRunDetailSchema, { ...detail, triggerType }));
}
