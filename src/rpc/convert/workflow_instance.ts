/** Workflow instances (Datadog). */
import { create } from "@bufbuild/protobuf";
import {
  type WorkflowInstance,
  WorkflowInstanceDetailSchema,
  WorkflowInstanceSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution } from "../../domain/execution.ts";
import { detailMessage } from "./detail.ts";
import { executionMessage } from "./execution.ts";

export function workflowInstanceMessage(execution: Execution): WorkflowInstance {
  return create(WorkflowInstanceSchema, {
    execution: executionMessage(execution),
    detail: detailMessage(WorkflowInstanceDetailSchema, execution),
  });
}
