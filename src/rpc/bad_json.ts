/** Says what is wrong with a JSON body, all of it at once: Connect's own decoder stops at the first wrong value. */
import { type DescMethodUnary, fromJson, fromJsonString, type JsonValue } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { type FieldViolation, failureToError, invalidRequest } from "./errors.ts";
import { readMembers } from "./json_members.ts";
import { findSyntaxFault } from "./json_syntax.ts";
import { findViolations } from "./violations.ts";

/**
 * The error that the JSON body of a request deserves: MALFORMED_BODY if it is not JSON, INVALID_REQUEST with every broken field named if
 * a value has the wrong type or an enum has no such name. Null if nothing is wrong: unknown fields are ignored.
 */
export function checkJson(method: DescMethodUnary, body: Uint8Array): ConnectError | null {
  const text = new TextDecoder().decode(body);
  // Most bodies are sound. The strict decoder sees that at the cost of one pass; what else it refuses is looked at closely.
  if (decodeFailure(method, text, { ignoreUnknownFields: false }) === null) return null;
  const json = parse(text);
  if (json === undefined) return notJson(text);
  const violations = findJsonViolations(method, json);
  if (violations.length > 0) return invalidRequest(violations);
  const failure = decodeFailure(method, text, { ignoreUnknownFields: true });
  return failure === null ? null : failureToError({ reason: "malformed_body", message: failure }, null);
}

/** The same for a body that could not be decoded, so that there is an error in any case. */
export function diagnoseJson(method: DescMethodUnary, body: Uint8Array): ConnectError {
  const message = `the body can't be decoded as ${method.input.typeName}`;
  return checkJson(method, body) ?? failureToError({ reason: "malformed_body", message }, null);
}

/** What can't be decoded; and, if there is something, also the rules that the rest breaks. */
function findJsonViolations(method: DescMethodUnary, json: JsonValue): readonly FieldViolation[] {
  const { sound, violations } = readMembers(method.input, json);
  if (violations.length === 0) return [];
  const unreadable = violations.map(({ field }) => field);
  return [...violations, ...findViolations(method.input, fromJson(method.input, sound), unreadable)];
}

function notJson(text: string): ConnectError {
  if (text.trim() === "") {
    return failureToError({ reason: "malformed_body", message: "the body is empty; a JSON object is expected" }, null);
  }
  const fault = findSyntaxFault(text);
  if (fault === null) return failureToError({ reason: "malformed_body", message: "the body is not JSON" }, null);
  const { offset, line, column, found } = fault;
  const message = `the body is not JSON: unexpected ${found} at line ${line}, column ${column}`;
  const metadata = { line: String(line), column: String(column), offset: String(offset) };
  return failureToError({ reason: "malformed_body", message, metadata }, null);
}

/** Undefined if `text` is not JSON. */
function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the decoder has against `text`; null if nothing. */
function decodeFailure(
  method: DescMethodUnary,
  text: string,
  options: { readonly ignoreUnknownFields: boolean },
): string | null {
  try {
    fromJsonString(method.input, text, options);
    return null;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
