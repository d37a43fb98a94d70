/** The answer to a call that an overloaded server refuses, in the shape of its door. Costs next to nothing, so that refusing helps. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { Dialect } from "../rest/dialect.ts";
import { type Problem, problemOfError } from "../rest/problem.ts";
import { errorInfoReason, failureToError } from "../rpc/errors.ts";
import { httpStatusOf } from "../rpc/http_status.ts";
import { OVERLOAD_DELAYS } from "../rpc/retry_delay.ts";
import { errorJson, errorResponse } from "./error_response.ts";
import { encodeGrpcMessage } from "./grpc_message.ts";

/** Ready to be written. */
export interface ReadyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: none. */
  readonly body: Uint8Array;
}

const MESSAGE = "the server has more to do than it can; ask again after the time in Retry-After";

/** One for each delay: callers are told different ones, so that they don't all come back at once. */
const ERRORS: readonly ConnectError[] = OVERLOAD_DELAYS.map((retryAfter) =>
  failureToError({ reason: "overloaded", message: MESSAGE, retryAfter }, null),
);
const PROBLEMS: readonly Problem[] = ERRORS.map(problemOfError);

const EMPTY = new Uint8Array();

/** Makes the answers for calls of RPCs, each once. */
export function overloadedRpcAnswers(
  random: () => number = Math.random,
): (method: DescMethod, contentType: string) => ReadyAnswer {
  const made = new Map<DescMethod, Map<string, readonly ReadyAnswer[]>>();
  return (method, contentType) => {
    const byType = made.get(method) ?? new Map<string, readonly ReadyAnswer[]>();
    made.set(method, byType);
    const type = knownTypeOf(contentType);
    let answers = byType.get(type);
    if (answers === undefined) {
      answers = ERRORS.map((error) => rpcAnswer(method, error, type));
      byType.set(type, answers);
    }
    return pick(answers, random);
  };
}

/** The answer for a route of a dialect. */
export function overloadedRouteAnswer(dialect: Dialect, path: string, random: () => number = Math.random): ReadyAnswer {
  const { status, headers = {}, body } = dialect.error(pick(PROBLEMS, random), path);
  return jsonAnswer(status, headers, body);
}

/** The error that the answers tell, for the log. */
export function overloadedError(): ConnectError {
  return pick(ERRORS, () => 0);
}

// Whatever else a client may name is answered as the first of its protocol: the answers that are kept must be few.
const KNOWN_TYPES = [
  "application/grpc-web-text",
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/connect+proto",
  "application/connect+json",
];

function knownTypeOf(contentType: string): string {
  return (
    KNOWN_TYPES.find((known) => known === contentType) ??
    KNOWN_TYPES.find((known) => contentType.startsWith(known)) ??
    ""
  );
}

function rpcAnswer(method: DescMethod, error: ConnectError, contentType: string): ReadyAnswer {
  const plain = Object.fromEntries(error.metadata);
  if (contentType.startsWith("application/connect+")) {
    return { status: 200, headers: { ...plain, "content-type": contentType }, body: endOfStream(error) };
  }
  const status = httpStatusOf(method, error.code, errorInfoReason(error));
  if (contentType === "") return jsonAnswer(status, plain, errorJson(error));
  // Without a message before it, the trailer is sent in place of the header.
  const { header, trailer } = errorResponse(error, status, contentType);
  return {
    status: 200,
    headers: encodeGrpcMessage({ ...Object.fromEntries(header ?? []), ...Object.fromEntries(trailer ?? []) }),
    body: EMPTY,
  };
}

function jsonAnswer(status: number, headers: Readonly<Record<string, string>>, json: unknown): ReadyAnswer {
  const body = json === undefined ? EMPTY : new TextEncoder().encode(JSON.stringify(json));
  const own = { "content-type": "application/json", ...headers, "content-length": String(body.byteLength) };
  return { status, headers: own, body };
}

// https://connectrpc.com/docs/protocol/#error-end-stream
const END_OF_STREAM_FLAG = 0b10;
const PREFIX_LENGTH = 5;

function endOfStream(error: ConnectError): Uint8Array {
  const message = Buffer.from(JSON.stringify({ error: errorJson(error) }));
  const framed = Buffer.alloc(PREFIX_LENGTH + message.length);
  framed.writeUInt8(END_OF_STREAM_FLAG);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_LENGTH);
  return framed;
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("there is nothing to pick from");
  return item;
}
