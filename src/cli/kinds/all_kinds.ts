/** The five kinds, by the words of the command line. */
import { Argument, InvalidArgumentError } from "commander";
import type { ExecutionRef } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { assessments } from "./assessment.ts";
import type { KindAccess } from "./kind_access.ts";
import { processes } from "./process.ts";
import { processInstances } from "./process_instance.ts";
import { workflowInstances } from "./workflow_instance.ts";
import { workflowRuns } from "./workflow_run.ts";

const ALL_KINDS: readonly KindAccess[] = [processes, processInstances, workflowInstances, assessments, workflowRuns];

/** "process, process-instance, …" */
export const KIND_WORDS = ALL_KINDS.map(({ word }) => word).join(", ");

/** The argument that names a kind: `process-instance` or `process_instance`, and the plural too. */
export function kindArgument(): Argument {
  return new Argument("<kind>", `one of ${KIND_WORDS}`).argParser(parseKind);
}

/** The kind that `text` names, in singular or plural. Throws what commander shows to whoever typed it. */
export function parseKind(text: string): KindAccess {
  const wanted = text.toLowerCase().replaceAll("_", "-");
  const found = ALL_KINDS.find(({ word, plural }) => wanted === word || wanted === plural);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Kinds are ${KIND_WORDS}.`);
}

/** "process p-1" */
export function nameOf(ref: ExecutionRef | undefined): string {
  if (ref === undefined) return "";
  const word = ALL_KINDS.find(({ kind }) => kind === ref.kind)?.word.replaceAll("-", " ") ?? "execution";
  return `${word} ${ref.id}`;
}
