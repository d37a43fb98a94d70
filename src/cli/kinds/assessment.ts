/** Assessments, for the commands. */
import { toJson } from "@bufbuild/protobuf";
import { CancelAssessmentWorkflowResponseSchema } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { type Assessment, AssessmentSchema, WorkflowState } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { jsonObject } from "../json_output.ts";
import type { Fact } from "../table.ts";
import { wordOf } from "../words.ts";
import { type KindAccess, type Shown, sent } from "./kind_access.ts";

export const assessments: KindAccess = {
  kind: Kind.ASSESSMENT,
  word: "assessment",
  plural: "assessments",
  field: "assessment",

  async get({ executions }, id, options) {
    const { assessment } = await executions.getAssessment({ assessmentId: id }, options);
    return show(sent(assessment, "assessment"));
  },

  async list({ executions }, { pageSize, pageToken, filter }, options) {
    const page = await executions.listAssessments({ pageSize, pageToken, filter }, options);
    return { shown: page.assessments.map(show), nextPageToken: page.nextPageToken };
  },

  async cancel({ cancellations }, { id, terms }, options) {
    const response = await cancellations.cancelAssessmentWorkflow({ assessmentId: id, ...terms }, options);
    return {
      execution: sent(response.assessment?.execution, "execution"),
      cancellation: sent(response.cancellation, "cancellation"),
      json: jsonObject(toJson(CancelAssessmentWorkflowResponseSchema, response)),
    };
  },
};

function show(assessment: Assessment): Shown {
  const facts: Fact[] = [["workflow", wordOf(WorkflowState, assessment.workflowState)]];
  if (assessment.outcomeId !== undefined) facts.push(["outcome", assessment.outcomeId]);
  return {
    execution: sent(assessment.execution, "execution"),
    facts,
    json: jsonObject(toJson(AssessmentSchema, assessment)),
  };
}
