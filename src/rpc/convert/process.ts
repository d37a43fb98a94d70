/** Processes (PhoneFarm). */
import { create } from "@bufbuild/protobuf";
import { type Process, ProcessDetailSchema, ProcessSchema, ProcessStatus } from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution, State } from "../../domain/execution.ts";
import { detailMessage } from "./detail.ts";
import { QUEUE_ITEM_STATE_MESSAGES } from "./enums.ts";
import { executionMessage } from "./execution.ts";

export function processMessage(execution: Execution): Process {
  return create(ProcessSchema, {
    execution: executionMessage(execution),
    detail: detailMessage(ProcessDetailSchema, execution),
    status: processStatusOf(execution),
    queueItems: execution.queueItems.map(({ id, state }) => ({ id, state: QUEUE_ITEM_STATE_MESSAGES[state] })),
  });
}

const STATUSES: Readonly<Record<State, ProcessStatus>> = {
  pending: ProcessStatus.QUEUED,
  running: ProcessStatus.EXECUTING,
  cancelling: ProcessStatus.EXECUTING,
  completed: ProcessStatus.COMPLETED,
  failed: ProcessStatus.FAILED_TERMINAL,
  cancelled: ProcessStatus.CANCELLED,
};

function processStatusOf({ state, lease }: Execution): ProcessStatus {
  return state === "running" && lease?.expired === true ? ProcessStatus.RETRYING : STATUSES[state];
}
