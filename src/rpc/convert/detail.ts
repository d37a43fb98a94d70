/** What is particular to a kind: kept in the domain as protobuf JSON. */
import { create, type DescMessage, fromJson, type MessageShape } from "@bufbuild/protobuf";
import type { Execution } from "../../domain/execution.ts";
import { jsonObjectMessage } from "./json.ts";

/** The detail as it was given at registration. Fields that a later version wrote and this one does not know are passed over. */
export function detailMessage<Desc extends DescMessage>(schema: Desc, execution: Execution): MessageShape<Desc> {
  if (Object.keys(execution.spec.detail).length === 0) return create(schema);
  return fromJson(schema, jsonObjectMessage(execution.spec.detail), { ignoreUnknownFields: true });
}
