/** An execution on the command line: its kind and its id. */
import { create } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "commander";
import { type ExecutionRef, ExecutionRefSchema } from "../../gen/belay/v1/execution_ref_pb.ts";
import { parseKind } from "./kinds/all_kinds.ts";

/** "process-instance/2251799813685249" */
export function parseExecutionRef(text: string): ExecutionRef {
  const slash = text.indexOf("/");
  const id = text.slice(slash + 1);
  if (slash < 1 || id === "") throw new InvalidArgumentError("It must be kind/id, for example process/p-1.");
  return create(ExecutionRefSchema, { kind: parseKind(text.slice(0, slash)).kind, id });
}
