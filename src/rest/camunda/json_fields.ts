/** Members of Camunda's request bodies. What is wrong with one is an INVALID_ARGUMENT that names it. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { invalidRequest } from "../../rpc/errors.ts";

/** Longer texts are no names or keys of anything. */
const MAX_TEXT = 1_000;
const MAX_ITEMS = 1_000;

/** The error for one broken field. */
export function invalidField(field: string, description: string): Error {
  return invalidRequest([{ field, description }]);
}

/** An object; nothing at all is an empty one. */
export function objectOf(json: JsonValue | undefined, field: string): JsonObject {
  if (json === null || json === undefined) return {};
  if (typeof json !== "object" || Array.isArray(json)) throw invalidField(field, "must be an object");
  return json;
}

/** A list; nothing at all is an empty one. */
export function listOf(json: JsonValue | undefined, field: string): JsonValue[] {
  if (json === null || json === undefined) return [];
  if (!Array.isArray(json)) throw invalidField(field, "must be a list");
  if (json.length > MAX_ITEMS) throw invalidField(field, `must have at most ${MAX_ITEMS} items`);
  return json;
}

export function textOf(json: JsonValue | undefined, field: string): string {
  if (typeof json !== "string") throw invalidField(field, "must be a string");
  if (json.length > MAX_TEXT) throw invalidField(field, `must be at most ${MAX_TEXT} characters`);
  return json;
}

/** An integer from `least` to `most`; `absent` if it is not there. */
export function integerOf(
  json: JsonValue | undefined,
  field: string,
  { least, most, absent }: { readonly least: number; readonly most: number; readonly absent: number },
): number {
  if (json === null || json === undefined) return absent;
  if (typeof json === "number" && Number.isInteger(json) && json >= least && json <= most) return json;
  throw invalidField(field, `must be an integer from ${least} to ${most}`);
}

export function booleanOf(json: JsonValue | undefined, field: string): boolean {
  if (typeof json !== "boolean") throw invalidField(field, "must be true or false");
  return json;
}

/** A key of Camunda's: an integer of up to 25 characters, as text. */
export function keyOf(json: JsonValue | undefined, field: string): string {
  const key = typeof json === "number" ? String(json) : json;
  if (typeof key === "string" && /^-?[0-9]+$/.test(key) && key.length <= 25) return key;
  throw invalidField(field, "must be an integer of up to 25 characters");
}

const MAX_INT64 = 2n ** 63n - 1n;

/** The caller's number for an operation. Number or text: one client sends it as text. */
export function operationReferenceOf(json: JsonValue | undefined): bigint | undefined {
  if (json === null || json === undefined) return undefined;
  // What JSON.parse made of a number beyond 2^53 is its nearest; a reference is no reason to refuse a cancel.
  const isNumber = typeof json === "number" && Number.isInteger(json);
  const isText = typeof json === "string" && /^[0-9]{1,19}$/.test(json);
  const reference = isNumber || isText ? BigInt(json) : 0n;
  if (reference < 1n || reference > MAX_INT64) {
    throw invalidField("operationReference", "must be an integer from 1 to 9223372036854775807");
  }
  return reference;
}
