/** JSON for programs: one document, or one line an event. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Prints one document. */
export function printJson(value: JsonValue): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Prints one event as a line. */
export function printJsonLine(value: JsonValue): void {
  console.log(JSON.stringify(value));
}

/** A message in protobuf JSON is an object, unless it is one of the well-known types. */
export function jsonObject(value: JsonValue): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new TypeError("this message has no object as its JSON form");
}
