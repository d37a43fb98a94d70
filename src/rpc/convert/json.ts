/** JSON of the contract (google.protobuf.Struct) and of the domain. They differ in mutability only, so the way out is a copy. */
import type {
  DescMessage,
  JsonObject as JsonObjectMessage,
  JsonValue as JsonValueMessage,
  Message,
} from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../domain/json.ts";
import { invalidRequest } from "../errors.ts";

export function jsonObjectMessage(json: JsonObject): JsonObjectMessage {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, jsonMessage(value)]));
}

function jsonMessage(json: Json): JsonValueMessage {
  if (typeof json !== "object" || json === null) return json;
  if (isList(json)) return json.map(jsonMessage);
  return jsonObjectMessage(json);
}

// Array.isArray does not narrow a readonly array.
function isList(json: readonly Json[] | JsonObject): json is readonly Json[] {
  return Array.isArray(json);
}

/** The other way. */
export function jsonObjectOf(message: JsonObjectMessage | undefined, field: string): JsonObject {
  requireFinite(message, field);
  return message ?? {};
}

/**
 * Refuses numbers that a binary Struct can hold and JSON can't.
 *
 * @param field where the caller put it
 */
export function requireFinite(json: JsonObjectMessage | undefined, field: string): void {
  if (json === undefined || isFiniteJson(json)) return;
  throw invalidRequest([{ field, description: "must not hold NaN or an infinite number" }]);
}

function isFiniteJson(json: Json): boolean {
  if (typeof json === "number") return Number.isFinite(json);
  if (typeof json !== "object" || json === null) return true;
  return Object.values(json).every(isFiniteJson);
}

/** A message as protobuf JSON. Only for messages whose JSON is an object, which is all but some of google.protobuf. */
export function messageJson(schema: DescMessage, message: Message): JsonObjectMessage {
  const json = toJson(schema, message);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Error(`the JSON of ${schema.typeName} is not an object`);
  }
  return json;
}
