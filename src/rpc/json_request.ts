/** Requests out of JSON values that came by another door than Connect's. */
import {
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { checkJson } from "./bad_json.ts";

/**
 * The request of `method` that `json` says, in protobuf JSON with the contract's field names. Unknown fields are ignored. Throws a
 * ConnectError that names every field of the wrong type.
 */
export function requestOfJson<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  json: JsonValue,
): MessageShape<I> {
  const error = checkJson(method, Buffer.from(JSON.stringify(json)));
  if (error !== null) throw error;
  return fromJson(method.input, json, { ignoreUnknownFields: true });
}
