/** Reads a JSON value as a message, member by member: what can be decoded is kept, what can't is named. */
import {
  type DescField,
  type DescMessage,
  type DescOneof,
  fromJson,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import type { FieldViolation } from "./errors.ts";
import { enumNames } from "./violations.ts";

/** Collects what can't be decoded. */
type Report = (path: Path, description: string) => void;

/** The part of `json` that decodes as `schema`, and what is wrong with the rest. Members that the schema does not have are left out. */
export function readMembers(
  schema: DescMessage,
  json: JsonValue,
): { readonly sound: JsonObject; readonly violations: readonly FieldViolation[] } {
  const violations: FieldViolation[] = [];
  const report: Report = (path, description) => violations.push({ field: pathToString(path), description });
  if (!isObject(json)) {
    report([], "the body must be a JSON object");
    return { sound: {}, violations };
  }
  return { sound: readObject(schema, json, [], report), violations };
}

function readObject(schema: DescMessage, json: JsonObject, path: Path, report: Report): JsonObject {
  const sound: [string, JsonValue][] = [];
  const seen = new Set<DescField>();
  const chosen = new Map<DescOneof, DescField>();
  for (const [name, value] of Object.entries(json)) {
    const field = schema.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
    if (field === undefined) continue;
    if (seen.has(field)) {
      report([...path, field], `is given twice, as ${field.name} and as ${field.jsonName}`);
      continue;
    }
    seen.add(field);
    if (field.oneof !== undefined && value !== null) {
      const other = chosen.get(field.oneof);
      if (other !== undefined) {
        report([...path, field.oneof], `must be one of ${other.name} and ${field.name}, not both`);
        continue;
      }
      chosen.set(field.oneof, field);
    }
    const member = readField(field, value, [...path, field], report);
    if (member !== undefined) sound.push([field.name, member]);
  }
  return Object.fromEntries(sound);
}

/** Null leaves a field unset, as protobuf's JSON has it. */
function readField(field: DescField, json: JsonValue, path: Path, report: Report): JsonValue | undefined {
  if (json === null) return undefined;
  switch (field.fieldKind) {
    case "list":
      return readList(field, json, path, report);
    case "map":
      return readMap(field, json, path, report);
    case "message":
      return readMessage(field, field.message, json, json, path, report);
    default:
      return readLeaf(field, json, json, path, report);
  }
}

function readList(
  field: DescField & { readonly fieldKind: "list" },
  json: JsonValue,
  path: Path,
  report: Report,
): JsonValue | undefined {
  if (!Array.isArray(json)) {
    report(path, `must be a list, not ${nounOf(json)}`);
    return undefined;
  }
  return json.map((item, index) => {
    const itemPath: Path = [...path, { kind: "list_sub", index }];
    const read =
      field.listKind === "message"
        ? readMessage(field, field.message, item, [item], itemPath, report)
        : readLeaf(field, item, [item], itemPath, report);
    // An item that can't be read keeps its place, so that the paths of those after it stay true.
    return read ?? placeholderOf(field);
  });
}

function readMap(
  field: DescField & { readonly fieldKind: "map" },
  json: JsonValue,
  path: Path,
  report: Report,
): JsonValue | undefined {
  if (!isObject(json)) {
    report(path, `must be an object, not ${nounOf(json)}`);
    return undefined;
  }
  const sound = Object.entries(json).flatMap(([key, value]): [string, JsonValue][] => {
    const valuePath: Path = [...path, { kind: "map_sub", key }];
    const wrapped = Object.fromEntries([[key, value]]);
    const read =
      field.mapKind === "message"
        ? readMessage(field, field.message, value, wrapped, valuePath, report)
        : readLeaf(field, value, wrapped, valuePath, report);
    return read === undefined ? [] : [[key, read]];
  });
  return Object.fromEntries(sound);
}

function readMessage(
  field: DescField,
  schema: DescMessage,
  json: JsonValue,
  wrapped: JsonValue,
  path: Path,
  report: Report,
): JsonValue | undefined {
  if (schema.typeName.startsWith("google.protobuf.")) return readLeaf(field, json, wrapped, path, report);
  if (isObject(json)) return readObject(schema, json, path, report);
  report(path, `must be an object, not ${nounOf(json)}`);
  return undefined;
}

/** A value without members of its own. The decoder itself judges it, `wrapped` as the field holds it: in its list or map. */
function readLeaf(
  field: DescField,
  json: JsonValue,
  wrapped: JsonValue,
  path: Path,
  report: Report,
): JsonValue | undefined {
  try {
    fromJson(field.parent, { [field.name]: wrapped });
    return json;
  } catch {
    // The decoder's words are for programmers; the field's type says what would be right.
    report(path, describeLeaf(field, json));
    return undefined;
  }
}

function describeLeaf(field: DescField, json: JsonValue): string {
  // The one thing that can be wrong with an object here: the decoder counts levels.
  if (field.message?.typeName === "google.protobuf.Struct" && isObject(json)) return "is nested too deeply";
  return `must be ${expectationOf(field)}, not ${nounOf(json)}`;
}

function expectationOf(field: DescField): string {
  if (field.enum !== undefined) return enumNames(field);
  if (field.message !== undefined) return MESSAGE_EXPECTATIONS.get(field.message.typeName) ?? "an object";
  return SCALAR_EXPECTATIONS[field.scalar ?? ScalarType.STRING];
}

const MESSAGE_EXPECTATIONS: ReadonlyMap<string, string> = new Map([
  ["google.protobuf.Timestamp", 'a time such as "2026-01-31T12:00:00Z"'],
  ["google.protobuf.Duration", 'a duration such as "1.5s"'],
]);

const INTEGER = "an integer";
const INT32 = "an integer from -2147483648 to 2147483647";
const UINT32 = "an integer from 0 to 4294967295";

const SCALAR_EXPECTATIONS: Readonly<Record<ScalarType, string>> = {
  [ScalarType.STRING]: "a string",
  [ScalarType.BOOL]: "true or false",
  [ScalarType.BYTES]: "a base64 string",
  [ScalarType.DOUBLE]: "a number",
  [ScalarType.FLOAT]: "a number",
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.INT64]: INTEGER,
  [ScalarType.SINT64]: INTEGER,
  [ScalarType.SFIXED64]: INTEGER,
  [ScalarType.UINT64]: INTEGER,
  [ScalarType.FIXED64]: INTEGER,
};

function placeholderOf(field: DescField & { readonly fieldKind: "list" }): JsonValue {
  if (field.listKind === "message") return field.message.typeName.startsWith("google.protobuf.") ? null : {};
  if (field.listKind === "enum" || field.scalar === ScalarType.BOOL) return field.listKind === "enum" ? 0 : false;
  return "";
}

/** What a JSON value is, for messages that don't repeat what may be long or private. */
function nounOf(json: JsonValue): string {
  if (json === null) return "null";
  if (Array.isArray(json)) return "a list";
  switch (typeof json) {
    case "object":
      return "an object";
    case "boolean":
      return String(json);
    case "number":
      return String(json);
    default:
      return json.length <= 40 ? JSON.stringify(json) : "such a long string";
  }
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
