/** What makes a call replayable: its command id, and a fingerprint of the rest of the request. */
import { createHash } from "node:crypto";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { canonicalJson, type Json } from "../domain/json.ts";
import type { Idempotency } from "../service/service.ts";
import { callerOf } from "./caller.ts";
import { messageJson } from "./convert/json.ts";
import { invalidRequest } from "./errors.ts";

/** The header that names a command as `command_id` does, for callers that do so for every service. */
const IDEMPOTENCY_KEY = "idempotency-key";

/** As long as the contract allows for `command_id`. */
const MAX_KEY_LENGTH = 255;

/** Null if the call names no command: it is not to be replayed. `command_id`, where a request has one, goes before the header. */
export function idempotencyOf(
  request: Message & { readonly commandId?: string },
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
  request: Json,
): Idempotency | null {
  const commandId = keyOfHeader(header.get(IDEMPOTENCY_KEY) ?? "");
  return commandId === "" ? null : { principal, method, commandId, fingerprint: digestOf(request) };
}

/**
 * Refuses a call that names a command where that promises nothing.
 *
 * @param why as the rest of a sentence that begins with the header
 */
export function refuseIdempotencyKey({ requestHeader }: HandlerContext, why: string): void {
  if (keyOfHeader(requestHeader.get(IDEMPOTENCY_KEY) ?? "") !== "") throw invalidHeader(why);
}

/**
 * SHA-256, in hex, of the request's protobuf JSON without its command id, members in order of their names: two requests that say the
 * same have the same fingerprint, however they were encoded.
 */
export function fingerprintOf(schema: DescMessage, request: Message): string {
  const { commandId, ...rest } = messageJson(schema, request);
  return digestOf(rest);
}

function digestOf(json: Json): string {
  return createHash("sha256").update(canonicalJson(json)).digest("hex");
}

/** The key in the header: a string of RFC 8941 ("…"), or bare, as many clients send it. Empty: no key. */
function keyOfHeader(header: string): string {
  const value = header.trim();
  const key = value.startsWith('"') ? unquote(value) : value;
  if (key === null || /[^\x20-\x7e]/.test(key)) {
    throw invalidHeader(
      'must be one key of printable ASCII, bare or as a string in double quotes, for example "8e03978e"',
    );
  }
  // Headers that are sent twice arrive as one, with a comma in between.
  if (key === value && key.includes(",")) {
    throw invalidHeader("must be given once; a key with a comma in it has to stand in double quotes");
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
