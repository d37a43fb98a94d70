/** The name of an execution, as this library writes it. */
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";

const KINDS = {
  process_instance: Kind.PROCESS_INSTANCE,
  process: Kind.PROCESS,
  workflow_instance: Kind.WORKFLOW_INSTANCE,
  assessment: Kind.ASSESSMENT,
  workflow_run: Kind.WORKFLOW_RUN,
} as const;

/** The five kinds of execution. */
export type KindName = keyof typeof KINDS;

/** The name of an execution within its tenant. */
export interface ExecutionRef {
  readonly kind: KindName;
  readonly id: string;
}

/** The contract's enum value of a kind. */
export function kindOf(name: KindName): (typeof KINDS)[KindName] {
  return KINDS[name];
}

/** True if `name` is one of the five kinds. */
export function isKindName(name: string): name is KindName {
  return Object.hasOwn(KINDS, name);
}

/** The contract's message for `ref`. */
export function refMessage(ref: ExecutionRef): { kind: Kind; id: string } {
  return { kind: kindOf(ref.kind), id: ref.id };
}

/** One string an execution, also for executions that a message names; unknown kinds get one of their own. */
export function refKey(ref: { readonly kind: Kind; readonly id: string }): string {
  return `${ref.kind}/${ref.id}`;
}

/** The execution in words: "process 'p-1'". */
export function nameOf(ref: ExecutionRef): string {
  return `${ref.kind.replaceAll("_", " ")} '${ref.id}'`;
}
