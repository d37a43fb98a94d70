/** Process instances (Camunda 8). */
import { create } from "@bufbuild/protobuf";
import {
  type ProcessInstance,
  ProcessInstanceDetailSchema,
  ProcessInstanceSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution } from "../../domain/execution.ts";
import { detailMessage } from "./detail.ts";
import { executionMessage } from "./execution.ts";

export function processInstanceMessage(execution: Execution): ProcessInstance {
  return create(ProcessInstanceSchema, {
    execution: executionMessage(execution),
    detail: detailMessage(ProcessInstanceDetailSchema, execution),
    hasIncident: execution.cancellation !== null && execution.cancellation.incidentAt !== null,
  });
}
