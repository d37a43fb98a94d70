/** Workflow instances, for the commands. */
import { toJson } from "@bufbuild/protobuf";
import { CancelWorkflowInstanceResponseSchema } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { type WorkflowInstance, WorkflowInstanceSchema } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { type Connection, READ_TIMEOUT } from "../connection.ts";
import { jsonObject } from "../json_output.ts";
import { type KindAccess, type Shown, sent } from "./kind_access.ts";

export const workflowInstances: KindAccess = {
  kind: Kind.WORKFLOW_INSTANCE,
  word: "workflow-instance",
  plural: "workflow-instances",
  field: "workflowInstance",

  async get({ executions }, id, options) {
    const { workflowInstance } = await executions.getWorkflowInstance({ instanceId: id }, options);
    return show(sent(workflowInstance, "workflow instance"));
  },

  async list({ executions }, { pageSize, pageToken, filter, workflowId }, options) {
    const page = await executions.listWorkflowInstances({ pageSize, pageToken, filter, workflowId }, options);
    return { shown: page.workflowInstances.map(show), nextPageToken: page.nextPageToken };
  },

  async cancel(connection, { id, workflowId, terms }, options) {
    const response = await connection.cancellations.cancelWorkflowInstance(
      { workflowId: workflowId || (await workflowOf(connection, id)), instanceId: id, ...terms },
      options,
    );
    return {
      execution: sent(response.workflowInstance?.execution, "execution"),
      cancellation: sent(response.cancellation, "cancellation"),
      json: jsonObject(toJson(CancelWorkflowInstanceResponseSchema, response)),
    };
  },
};

/** The RPC wants the workflow named; whoever presses the button need not know it. */
async function workflowOf({ executions }: Connection, instanceId: string): Promise<string> {
  const { workflowInstance } = await executions.getWorkflowInstance({ instanceId }, { timeoutMs: READ_TIMEOUT });
  return sent(workflowInstance?.detail, "workflow").workflowId;
}

function show(workflowInstance: WorkflowInstance): Shown {
  return {
    execution: sent(workflowInstance.execution, "execution"),
    facts: [["workflow", workflowInstance.detail?.workflowId ?? ""]],
    json: jsonObject(toJson(WorkflowInstanceSchema, workflowInstance)),
  };
}
