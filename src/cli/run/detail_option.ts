/** `--detail`: what is particular to the kind, as JSON on the command line. */
import { type DescMessage, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import {
  AssessmentDetailSchema,
  ProcessDetailSchema,
  ProcessInstanceDetailSchema,
  WorkflowInstanceDetailSchema,
  WorkflowRunDetailSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { ExecutionOptions, KindName } from "../../client/index.ts";
import { EXIT } from "../exit_code.ts";
import { CommandFailure } from "../failure.ts";

type CommonOptions = Omit<ExecutionOptions, "kind" | "detail">;

/**
 * Joins the options of all kinds with the detail of one.
 *
 * @throws CommandFailure if `json` is not what the kind takes
 */
export function withDetail(kind: KindName, json: string | undefined, common: CommonOptions): ExecutionOptions {
  const text = json ?? "{}";
  switch (kind) {
    case "process_instance":
      return { ...common, kind, detail: parse(ProcessInstanceDetailSchema, text) };
    case "process":
      return { ...common, kind, detail: parse(ProcessDetailSchema, text) };
    case "workflow_instance": {
      const detail = parse(WorkflowInstanceDetailSchema, text);
      if (detail.workflowId !== "") return { ...common, kind, detail };
      throw new CommandFailure(`a workflow instance needs --detail '{"workflowId": "…"}'`, EXIT.usage);
    }
    case "assessment":
      return { ...common, kind, detail: parse(AssessmentDetailSchema, text) };
    case "workflow_run":
      return { ...common, kind, detail: parse(WorkflowRunDetailSchema, text) };
  }
}

function parse<D extends DescMessage>(schema: D, json: string): MessageShape<D> {
  try {
    return fromJsonString(schema, json);
  } catch (cause) {
    throw badDetail(schema.name, cause);
  }
}

function badDetail(name: string, cause: unknown): CommandFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CommandFailure(`--detail is no ${name}: ${message}`, EXIT.usage, { cause });
}
