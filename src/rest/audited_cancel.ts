/** What the audit log keeps of a cancel that a route refuses. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { Kind } from "../domain/execution.ts";
import type { Audited } from "./dialect.ts";

/** @param parameter of the path: the id of the execution */
export function auditedCancel({ name: action }: DescMethod, kind: Kind, parameter: string): Audited {
  return (params) => ({ action, execution: { kind, id: params[parameter] ?? "" } });
}
