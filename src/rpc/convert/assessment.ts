/** Assessments (Maxsight). */
import { create } from "@bufbuild/protobuf";
import {
  type Assessment,
  AssessmentDetailSchema,
  AssessmentSchema,
  WorkflowState,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution, State } from "../../domain/execution.ts";
import { detailMessage } from "./detail.ts";
import { executionMessage } from "./execution.ts";

export function assessmentMessage(execution: Execution): Assessment {
  return create(AssessmentSchema, {
    execution: executionMessage(execution),
    detail: detailMessage(AssessmentDetailSchema, execution),
    workflowState: WORKFLOW_STATES[execution.state],
    outcomeId: execution.outcomeId ?? undefined,
  });
}

const WORKFLOW_STATES: Readonly<Record<State, WorkflowState>> = {
  pending: WorkflowState.ACTIVE,
  running: WorkflowState.ACTIVE,
  cancelling: WorkflowState.ACTIVE,
  completed: WorkflowState.ACTIVE,
  failed: WorkflowState.ERROR,
  cancelled: WorkflowState.CANCELLED,
};
