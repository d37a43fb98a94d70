/** How an execution is named: belay.v1.ExecutionRef and the domain's keys. */
import { create } from "@bufbuild/protobuf";
import {
  type ExecutionRef as ExecutionRefMessage,
  ExecutionRefSchema,
  type Kind as KindMessage,
} from "../../../gen/belay/v1/execution_ref_pb.ts";
import type { ExecutionKey, ExecutionRef, Kind } from "../../domain/execution.ts";
import { invalidRequest } from "../errors.ts";
import { KIND_MESSAGES, kindOfMessage } from "./enums.ts";

export function refMessage(ref: ExecutionRef): ExecutionRefMessage {
  return create(ExecutionRefSchema, { kind: KIND_MESSAGES[ref.kind], id: ref.id });
}

/** Unset for null. */
export function optionalRefMessage(ref: ExecutionRef | null): ExecutionRefMessage | undefined {
  return ref === null ? undefined : refMessage(ref);
}

/** @param field where the caller put it */
function refOf(message: ExecutionRefMessage, field: string): ExecutionRef {
  return { kind: requiredKind(message.kind, `${field}.kind`), id: message.id };
}

/** Null if unset. */
export function optionalRefOf(message: ExecutionRefMessage | undefined, field: string): ExecutionRef | null {
  return message === undefined ? null : refOf(message, field);
}

/** The key of an execution that the request must name. */
export function keyOf(tenant: string, message: ExecutionRefMessage | undefined, field: string): ExecutionKey {
  if (message === undefined) throw invalidRequest([{ field, description: "is required" }]);
  return { tenant, ...refOf(message, field) };
}

export function requiredKind(message: KindMessage, field: string): Kind {
  const kind = kindOfMessage(message);
  if (kind === undefined) throw invalidRequest([{ field, description: "is required" }]);
  return kind;
}
