/** What makes a call replayable: its command id, and a fingerprint of the rest of the request. */
import { createHash } from "node:crypto";
import type { DescMessage, JsonValue, Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Idempotency } from "../service/service.ts";
import { callerOf } from "./caller.ts";
import { messageJson } from "./convert/json.ts";
import { invalidRequest } from "./errors.ts";

/** The header that names a command as `command_id` does, for callers that do so for every service. */
const IDEMPOTENCY_KEY = "idempotency-key";

/** As long as the contract allows for `command_id`. */
const MAX_KEY_LENGTH = 255;

/** Null if the call names no command: it is not to be replayed. `command_id` goes before the header. */
export function idempotencyOf(
  request: Message & { readonly commandId: string },
  context: HandlerContext,
): Idempotency | null {
  const commandId = request.commandId || keyOfHeader(context.requestHeader.get(IDEMPOTENCY_KEY) ?? "");
  if (commandId === "") return null;
  const { name: method, input } = context.method;
  return { principal: callerOf(context).principal, method, commandId, fingerprint: fingerprintOf(input, request) };
}

/** The same for a call that is no RPC: only the header names its command. */
export function idempotencyOfHeader(
  header: Headers,
  principal: string,
  method: string,
  request: JsonValue,
): Idempotency | null {
  const commandId = keyOfHeader(header.get(IDEMPOTENCY_KEY) ?? "");
  return commandId === "" ? null : { principal, method, commandId, fingerprint: digestOf(request) };
}

/**
 * SHA-256, in hex, of the request's protobuf JSON without its command id, members in order of their names: two requests that say the
 * same have the same fingerprint, however they were encoded.
 */
export function fingerprintOf(schema: DescMessage, request: Message): string {
  const { commandId, ...rest } = messageJson(schema, request);
  return digestOf(rest);
}

function digestOf(json: JsonValue): string {
  return createHash("sha256").update(canonicalJson(json)).digest("hex");
}

function canonicalJson(json: JsonValue): string {
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  if (Array.isArray(json)) return `[${json.map(canonicalJson).join(",")}]`;
  const members = Object.entries(json).map(([name, value]) => `${JSON.stringify(name)}:${canonicalJson(value)}`);
  return `{${members.sort().join(",")}}`;
}

/** The key in the header: a string of RFC 8941 ("…"), or bare, as many clients send it. Empty: no key. */
function keyOfHeader(header: string): string {
  const value = header.trim();
  const key = value.startsWith('"') ? unquote(value) : value;
  if (key === null || /[^\x20-\x7e]/.test(key)) {
    throw invalidHeader('must be printable ASCII, bare or as a string in double quotes, for example "8e03978e"');
  }
  if (key.length > MAX_KEY_LENGTH) throw invalidHeader(`must be at most ${MAX_KEY_LENGTH} characters`);
  return key;
}

/** Null if it is not a whole string. */
function unquote(value: string): string | null {
  const content = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1];
  return content?.replaceAll(/\\(.)/g, "$1") ?? null;
}

function invalidHeader(description: string): Error {
  return invalidRequest([{ field: "Idempotency-Key", description }]);
}
