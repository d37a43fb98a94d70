/** Processes, for the commands. */
import { toJson } from "@bufbuild/protobuf";
import { CancelProcessResponseSchema } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { type Process, ProcessSchema, ProcessStatus, QueueItemState } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { jsonObject } from "../json_output.ts";
import type { Fact } from "../table.ts";
import { wordOf } from "../words.ts";
import { type KindAccess, type Shown, sent } from "./kind_access.ts";

export const processes: KindAccess = {
  kind: Kind.PROCESS,
  word: "process",
  plural: "processes",
  field: "process",

  async get({ executions }, id, options) {
    const { process } = await executions.getProcess({ processId: id }, options);
    return show(sent(process, "process"));
  },

  async list({ executions }, { pageSize, pageToken, filter }, options) {
    const page = await executions.listProcesses({ pageSize, pageToken, filter }, options);
    return { shown: page.processes.map(show), nextPageToken: page.nextPageToken };
  },

  async cancel({ cancellations }, { id, terms }, options) {
    const response = await cancellations.cancelProcess({ processId: id, ...terms }, options);
    return {
      execution: sent(response.process?.execution, "execution"),
      cancellation: response.cancellation ?? null,
      json: jsonObject(toJson(CancelProcessResponseSchema, response)),
    };
  },
};

function show(process: Process): Shown {
  const { detail, status, queueItems } = process;
  const facts: Fact[] = [["status", wordOf(ProcessStatus, status)]];
  if (detail?.processType) facts.push(["type", detail.processType]);
  if (detail?.container) facts.push(["container", detail.container]);
  if (queueItems.length > 0) {
    const items = queueItems.map(({ id, state }) => `${id} ${wordOf(QueueItemState, state)}`);
    facts.push(["queue items", items.join(", ")]);
  }
  return {
    execution: sent(process.execution, "execution"),
    facts,
    json: jsonObject(toJson(ProcessSchema, process)),
  };
}
