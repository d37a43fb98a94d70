/**
 * What both lanes do with a call. The unary lane and the stream lane serve calls straight from the request, past the machinery of Connect:
 * each call goes through the same interceptors as there, with a context like Connect's own.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import {
  type Compression,
  compressionNegotiate,
  createMethodSerializationLookup,
  validateReadWriteMaxBytes,
} from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Millis } from "../domain/time.ts";
import { peerKey } from "../rpc/caller.ts";
import { callKey } from "./call.ts";
import type { Exchange } from "./exchange.ts";
import type { AnswerOptions } from "./lane_answer.ts";
import { LaneContext } from "./lane_context.ts";
import type { StreamMethod, UnaryMethod } from "./lane_methods.ts";
import type { LaneWire } from "./lane_request.ts";
import type { Limits } from "./limits.ts";

export interface LaneOptions {
  /** The first one is the outermost. */
  readonly interceptors: readonly Interceptor[];
  readonly limits: Limits;
}

/**
 * Serves a call of one RPC. Resolves with null when it is answered, or with what has come of its body if it turns out to be a call for
 * Connect. Null instead of a promise: it is a call for Connect, and nothing of it was read.
 */
export type Lane = (exchange: Exchange) => Promise<readonly Uint8Array[] | null> | null;

type Call = ReturnType<Interceptor>;
type Request = Parameters<Call>[0];

/** Where a call carries its context past the interceptors, which know only a part of it. */
const contextKey: ContextKey<LaneContext | null> = createContextKey<LaneContext | null>(null, {
  description: "the context of a call in a lane",
});

/** What is asked of which RPC. */
type Asked = Pick<UnaryRequest, OwnPart> | Pick<StreamRequest, OwnPart>;
type OwnPart = "stream" | "service" | "method" | "message";

/**
 * Makes calls through the interceptors, each of which may change what the next one is given.
 *
 * @param handle is given the context as the interceptors have left it
 */
export function throughInterceptors(
  { interceptors }: LaneOptions,
  handle: (request: Request, context: LaneContext) => ReturnType<Call>,
): (context: LaneContext, asked: Asked) => ReturnType<Call> {
  const innermost: Call = (request) => handle(request, contextOf(request));
  const call = interceptors.toReversed().reduce((next, interceptor) => interceptor(next), innermost);
  return (context, asked) => call({ ...asked, ...requestOf(context) });
}

function contextOf(request: Request): LaneContext {
  const context = request.contextValues.get(contextKey);
  if (context === null) throw new Error("no call can come here without its context");
  return context.after(request);
}

/** How the messages of an RPC are read and written. */
export function serializationOf<M extends UnaryMethod["method"] | StreamMethod["method"]>(
  method: M,
  { limits }: LaneOptions,
) {
  const sizes = validateReadWriteMaxBytes(limits.maxBodyBytes, undefined, undefined);
  return createMethodSerializationLookup(method, undefined, undefined, sizes);
}

export interface OpenedCall {
  readonly method: DescMethod;
  readonly url: string;
  readonly header: Headers;
  /** Aborts at the deadline, and when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** On the clock of `performance.now()`; null: there is no deadline. */
  readonly deadline: Millis | null;
}

/** Makes the context of a call whose request could be read, and says how it is to be answered. */
export function openCall(
  exchange: Exchange,
  wire: LaneWire,
  { header: requestHeader, ...rest }: OpenedCall,
): { readonly context: LaneContext; readonly answering: AnswerOptions } {
  const { call, peer } = exchange;
  const values = createContextValues().set(callKey, call).set(peerKey, peer);
  const additions = { header: null, trailer: null };
  const context = new LaneContext({ ...rest, protocolName: call.protocol, requestHeader, values, additions });
  values.set(contextKey, context);
  call.values = values;
  call.context = context;
  return { context, answering: { wire, compression: compressionFor(wire, requestHeader), additions } };
}

/** What interceptors are told of a call beside its message. */
function requestOf({ requestMethod, requestHeader: header, url, signal, values: contextValues }: LaneContext) {
  return { requestMethod, header, url, signal, contextValues };
}

/** How the client takes answers compressed; null: it does not. */
function compressionFor(wire: LaneWire, header: Headers): Compression | null {
  const name = wire === "grpc" ? "grpc-accept-encoding" : "accept-encoding";
  return compressionNegotiate([compressionGzip], null, header.get(name), name).response;
}

/** The error of a call that failed with `reason`: one that nobody foresaw tells the caller nothing. */
export function errorOf(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, reason);
}
