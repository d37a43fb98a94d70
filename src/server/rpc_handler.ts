/** Serves RPCs: gRPC, gRPC-Web and Connect, over the handlers that Connect makes, with better answers where it fails by itself. */
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { peerKey } from "../rpc/caller.ts";
import { errorInfoReason } from "../rpc/errors.ts";
import { httpStatusKey, httpStatusOf } from "../rpc/http_status.ts";
import { jsonBodyKey } from "../rpc/json_body.ts";
import type { JudgeUnreadable } from "../rpc/unreadable_calls.ts";
import { unacceptable } from "./acceptance.ts";
import { type Call, callKey, rememberContext, trackCall } from "./call.ts";
import { errorResponse, jsonErrorResponse } from "./error_response.ts";
import { type Exchange, headersOf, type RequestHandler, urlOf } from "./exchange.ts";
import { shortenFarDeadline } from "./far_deadline.ts";
import { diagnosis, isJson, jsonBody } from "./json_body.ts";
import type { Lane, LaneOptions } from "./lane.ts";
import { COMPRESS_FROM_BYTES } from "./lane_answer.ts";
import { registerRoutes, type StreamMethod, type UnaryMethod } from "./lane_methods.ts";
import type { Limits } from "./limits.ts";
import { malformed, unreadable } from "./protocol_error.ts";
import { requestBody } from "./request_body.ts";
import { createStreamLane } from "./stream_lane.ts";
import { createUnaryLane } from "./unary_lane.ts";
import { type UniversalResponse, writeResponse } from "./write_response.ts";

export interface RpcOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** The first one is the outermost. */
  readonly interceptors: readonly Interceptor[];
  readonly limits: Limits;
  /** Judges calls whose request can't be read. Not given: what is wrong with it is answered as it is. */
  readonly judgeUnreadable?: JudgeUnreadable | undefined;
  /** Full names of the services that machines call all day. */
  readonly quietServices: ReadonlySet<string>;
  /** Whether ordinary calls take a lane of ours, and not Connect's. From outside nobody can tell. */
  readonly lanes: boolean;
}

/** A handler for every path that is an RPC of `routes`. */
export function createRpcHandler(options: RpcOptions): RequestHandler {
  const { limits, quietServices } = options;
  const interceptors = [trackCall((error) => unreadable(error, limits.maxBodyBytes)), ...options.interceptors];
  const router = createConnectRouter({
    // No Brotli: Node compresses with its best quality, which takes longer than it saves.
    acceptCompression: [compressionGzip],
    readMaxBytes: limits.maxBodyBytes,
    compressMinBytes: COMPRESS_FROM_BYTES,
    requestGate: rememberContext,
    interceptors,
  });
  const methods = registerRoutes(router, options.routes);
  const handlers = new Map(
    router.handlers.map((handler) => {
      const method = options.lanes ? methods.get(handler.requestPath) : undefined;
      const lane = method === undefined ? null : createLane(method, { interceptors, limits });
      return [handler.requestPath, { handler, lane }];
    }),
  );

  return (exchange) => {
    const found = handlers.get(exchange.path);
    if (found === undefined) return undefined;
    const { handler, lane } = found;
    exchange.call.rpc = `${handler.service.typeName}/${handler.method.name}`;
    exchange.call.streams = handler.method.methodKind !== "unary";
    exchange.call.quiet = quietServices.has(handler.service.typeName);
    const answered = lane?.(exchange) ?? null;
    if (answered === null) return serve(handler, exchange, options);
    return answered.then((received) => (received === null ? undefined : serve(handler, exchange, options, received)));
  };
}

function createLane(method: UnaryMethod | StreamMethod, options: LaneOptions): Lane {
  return method.kind === "unary" ? createUnaryLane(method, options) : createStreamLane(method, options);
}

/** @param received what of the body was read already */
async function serve(
  handler: UniversalHandler,
  exchange: Exchange,
  options: RpcOptions,
  received: readonly Uint8Array[] = [],
): Promise<void> {
  const { limits, judgeUnreadable = asItIs } = options;
  const { request, call, signal } = exchange;
  const url = urlOf(exchange);
  if (url === null) {
    await refuse(exchange, malformed("the Host header or the path is malformed"), 400);
    return;
  }
  const refusal = unacceptable(handler, request, url);
  if (refusal !== undefined) {
    await refuse(exchange, refusal.error, refusal.status);
    return;
  }

  const header = headersOf(exchange);
  shortenFarDeadline(header);
  const { methodKind } = handler.method;
  const body = requestBody(request, {
    received,
    // The signal of the context knows the call's deadline too.
    signal: () => call.context?.signal ?? signal,
    timeout: limits.requestTimeout,
    timed: methodKind === "unary" || methodKind === "server_streaming" ? "whole" : "beginning",
    keep: methodKind === "unary" && isJson(header),
  });
  const json = jsonBody(body, header, limits.maxBodyBytes);
  const contextValues = createContextValues().set(callKey, call).set(jsonBodyKey, json).set(peerKey, exchange.peer);
  call.values = contextValues;
  const { httpVersion, method = "" } = request;
  const response = await handler({ httpVersion, url, method, header, body, signal, contextValues }).catch((reason) => {
    // Connect can't put a message into a trailer that quotes half a character. What it was about is known all the same.
    if (call.context?.signal.aborted !== true || call.reached) throw reason;
    return null;
  });

  const failure = failureBeforeHandler(call);
  if (failure !== undefined) {
    const wrong = (await diagnosis(handler.method, failure, json)) ?? unreadable(failure, limits.maxBodyBytes);
    const error = await judgeUnreadable({ method: handler.method, header, values: contextValues, error: wrong });
    call.error = error;
    // An unknown compression is the one thing that is UNIMPLEMENTED here.
    const isUnknownCompression = error.code === Code.Unimplemented;
    const status = isUnknownCompression ? 415 : httpStatusOf(handler.method, error.code, errorInfoReason(error));
    await writeResponse(exchange, errorResponse(error, status, header.get("content-type")));
    return;
  }
  if (response === null) throw new Error("the call failed, and nobody knows why");
  await writeResponse(exchange, withStatus(response, call, contextValues.get(httpStatusKey)));
}

const asItIs: JudgeUnreadable = async ({ error }) => error;

async function refuse(exchange: Exchange, error: ConnectError, status: number): Promise<void> {
  exchange.call.error = error;
  await writeResponse(exchange, jsonErrorResponse(error, status));
}

/**
 * Why Connect gave up before the interceptors ran; undefined if it did not. It gives the reason only to the signal of the context.
 * Streams always reach the interceptors.
 */
function failureBeforeHandler(call: Call): ConnectError | undefined {
  if (call.streams || call.reached || call.context === undefined) return undefined;
  return ConnectError.from(call.context.signal.reason, Code.Internal);
}

/** The response with the HTTP status that the handler chose for its error. gRPC and gRPC-Web have theirs in the trailers. */
function withStatus(response: UniversalResponse, call: Call, status: number | undefined): UniversalResponse {
  const isConnectError = call.context?.protocolName === "connect" && !call.streams && response.status >= 400;
  return isConnectError && status !== undefined ? { ...response, status } : response;
}
