/** Whether a request can be a call of its RPC at all: its method, its HTTP version and its content type. */
import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { NodeRequest } from "./exchange.ts";
import { malformed, unknownMethod } from "./protocol_error.ts";

/** An error and the HTTP status to answer it with. */
export interface Unacceptable {
  readonly status: number;
  readonly error: ConnectError;
}

const GRPC_TYPES = "application/grpc(+proto|+json), application/grpc-web(+proto|+json)";

/** Why Connect could not serve the request; undefined if it can. Connect itself would answer these without a body. */
export function unacceptable(handler: UniversalHandler, request: NodeRequest, url: string): Unacceptable | undefined {
  const { method } = handler;
  const name = `${handler.service.typeName}/${method.name}`;

  const allowed = takesGet(method) ? ["POST", "GET"] : ["POST"];
  if (!allowed.includes(request.method ?? "")) {
    const message = `${name} takes ${allowed.join(" and ")}, not ${request.method}`;
    const headers = { allow: allowed.join(", ") };
    return { status: 405, error: unknownMethod(message, headers) };
  }

  if (method.methodKind === "bidi_streaming" && request.httpVersionMajor < 2) {
    const message = `${name} streams both ways, which takes HTTP/2`;
    return { status: 505, error: unknownMethod(message) };
  }

  if (request.method === "GET") {
    if (/^(json|proto)$/.test(new URL(url).searchParams.get("encoding") ?? "")) return undefined;
    const message = `a GET of ${name} needs its request in the query: ?connect=v1&encoding=json&message={…}`;
    return { status: 415, error: malformed(message) };
  }

  const contentType = request.headers["content-type"] ?? "";
  if (handler.supportedContentType(contentType)) return undefined;
  const connectTypes =
    method.methodKind === "unary"
      ? "application/json, application/proto"
      : "application/connect+json, application/connect+proto";
  const sent = contentType === "" ? "no content type was sent" : `"${contentType}" is none that ${name} takes`;
  const message = `${sent}: send ${connectTypes}, ${GRPC_TYPES}`;
  const headers = { "accept-post": connectTypes };
  return { status: 415, error: malformed(message, headers) };
}

/** Connect serves reads by GET too, so that they can be cached. */
function takesGet(method: DescMethod): boolean {
  return method.methodKind === "unary" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}
