/** The creation of an assessment. */
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import {
  type Assessment,
  AssessmentSchema,
  type Execution,
  WorkflowState,
} from "../../../gen/belay/v1/execution_pb.ts";
import { ExecutionService, type RegisterExecutionRequest } from "../../../gen/belay/v1/execution_service_pb.ts";
import { invalidRequest } from "../../rpc/errors.ts";
import { requestOfJson } from "../../rpc/json_request.ts";

/**
 * The outcome of an assessment once it is cancelled, where its creator names none. Maxsight reads it from the template; Belay has no
 * templates, so the request may say it in `canceled_outcome_id`, a field of Belay's own.
 */
const DEFAULT_CANCELED_OUTCOME = "canceled";

/** The registration that a body asks for. Throws a ConnectError that names every broken field. */
export function registrationOf(body: JsonValue): RegisterExecutionRequest {
  const { entity_id = null, template_id = null, canceled_outcome_id = null } = fieldsOf(body);
  const missing = Object.entries({ entity_id, template_id }).filter(([, value]) => value === null || value === "");
  if (missing.length > 0) {
    throw invalidRequest(missing.map(([field]) => ({ field, description: "is required" })));
  }
  return requestOfJson(ExecutionService.method.registerExecution, {
    kind: "KIND_ASSESSMENT",
    assessment: {
      entity_id,
      template_id,
      canceled_outcome_id: canceled_outcome_id ?? DEFAULT_CANCELED_OUTCOME,
    },
  });
}

/** The assessment as it was registered. */
export function newAssessment({ detail }: RegisterExecutionRequest, execution: Execution | undefined): Assessment {
  return create(AssessmentSchema, {
    ...(execution !== undefined && { execution }),
    ...(detail.case === "assessment" && { detail: detail.value }),
    workflowState: WorkflowState.ACTIVE,
  });
}

function fieldsOf(body: JsonValue): JsonObject {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw invalidRequest([{ field: "", description: "the body must be a JSON object" }]);
}
