/** An assessment as Maxsight shows it. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Assessment, WorkflowState } from "../../../gen/belay/v1/execution_pb.ts";

/** UNSPECIFIED is never sent. */
const WORKFLOW_STATES: Readonly<Record<WorkflowState, string>> = {
  [WorkflowState.UNSPECIFIED]: "",
  [WorkflowState.ACTIVE]: "Active",
  [WorkflowState.CANCELLED]: "Cancelled",
  [WorkflowState.ERROR]: "Error",
};

/** Every documented field; what is not known is null. */
export function assessmentJson(assessment: Assessment | undefined) {
  const { execution, detail, outcomeId = null, workflowState } = assessment ?? {};
  const { error, createTime, ref } = execution ?? {};
  const id = ref?.id ?? "";
  return {
    created_at: createTime === undefined ? null : timestampDate(createTime).toISOString(),
    entity_id: known(detail?.entityId),
    error_details: error?.details ?? null,
    error_message: known(error?.message),
    error_step: known(error?.step),
    error_type: known(error?.type),
    id,
    institution_id: known(detail?.institutionId),
    outcome_id: outcomeId,
    status_id: known(detail?.statusId),
    template_id: known(detail?.templateId),
    // An assessment has one workflow: where nobody has named its instance, it has the assessment's own id.
    workflow_instance_id: known(detail?.workflowInstanceId) ?? id,
    workflow_state: WORKFLOW_STATES[workflowState ?? WorkflowState.UNSPECIFIED] ?? "",
  };
}

/** Protobuf says "" where JSON says null. */
function known(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}
