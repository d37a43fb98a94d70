/** Process instances, for the commands. */
import { toJson } from "@bufbuild/protobuf";
import { CancelProcessInstanceResponseSchema } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { type ProcessInstance, ProcessInstanceSchema } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { jsonObject } from "../json_output.ts";
import { red } from "../paint.ts";
import type { Fact } from "../table.ts";
import { type KindAccess, type Shown, sent } from "./kind_access.ts";

export const processInstances: KindAccess = {
  kind: Kind.PROCESS_INSTANCE,
  word: "process-instance",
  plural: "process-instances",
  field: "processInstance",

  async get({ executions }, id, options) {
    const { processInstance } = await executions.getProcessInstance({ processInstanceKey: id }, options);
    return show(sent(processInstance, "process instance"));
  },

  async list({ executions }, { pageSize, pageToken, filter }, options) {
    const page = await executions.listProcessInstances({ pageSize, pageToken, filter }, options);
    return { shown: page.processInstances.map(show), nextPageToken: page.nextPageToken };
  },

  async cancel({ cancellations }, { id, terms }, options) {
    const response = await cancellations.cancelProcessInstance({ processInstanceKey: id, ...terms }, options);
    return {
      execution: sent(response.processInstance?.execution, "execution"),
      cancellation: sent(response.cancellation, "cancellation"),
      json: jsonObject(toJson(CancelProcessInstanceResponseSchema, response)),
    };
  },
};

function show(processInstance: ProcessInstance): Shown {
  const { detail, hasIncident } = processInstance;
  const definition = detail?.processDefinitionId ?? "";
  const facts: Fact[] = [];
  if (definition !== "") facts.push(["definition", `${definition} v${detail?.processDefinitionVersion ?? 0}`]);
  if (hasIncident) facts.push(["incident", { text: "yes", paint: red }]);
  return {
    execution: sent(processInstance.execution, "execution"),
    facts,
    json: jsonObject(toJson(ProcessInstanceSchema, processInstance)),
  };
}
