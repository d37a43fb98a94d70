/** Workflow runs, for the commands. */
import { toJson } from "@bufbuild/protobuf";
import { CancelWorkflowRunResponseSchema } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { RunLifecycleKind, type WorkflowRun, WorkflowRunSchema } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { jsonObject } from "../json_output.ts";
import type { Fact } from "../table.ts";
import { wordOf } from "../words.ts";
import { type KindAccess, type Shown, sent } from "./kind_access.ts";

export const workflowRuns: KindAccess = {
  kind: Kind.WORKFLOW_RUN,
  word: "workflow-run",
  plural: "workflow-runs",
  field: "run",

  async get({ executions }, id, options) {
    const { workflowRun } = await executions.getWorkflowRun({ runId: id }, options);
    return show(sent(workflowRun, "workflow run"));
  },

  async list({ executions }, { pageSize, pageToken, filter }, options) {
    const page = await executions.listWorkflowRuns({ pageSize, pageToken, filter }, options);
    return { shown: page.workflowRuns.map(show), nextPageToken: page.nextPageToken };
  },

  async cancel({ cancellations }, { id, terms }, options) {
    const response = await cancellations.cancelWorkflowRun({ runId: id, ...terms }, options);
    return {
      execution: sent(response.run?.execution, "execution"),
      cancellation: response.cancellation ?? null,
      json: jsonObject(toJson(CancelWorkflowRunResponseSchema, response)),
    };
  },
};

function show(run: WorkflowRun): Shown {
  const { detail, lifecycle } = run;
  const facts: Fact[] = [["lifecycle", wordOf(RunLifecycleKind, lifecycle?.kind ?? 0)]];
  const workflow = detail?.workflow;
  if (workflow !== undefined) facts.push(["workflow", workflow.nameAtRunTime || workflow.workflowId]);
  return {
    execution: sent(run.execution, "execution"),
    facts,
    json: jsonObject(toJson(WorkflowRunSchema, run)),
  };
}
