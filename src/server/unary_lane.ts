/**
 * The unary lane: serves unary calls straight from the request, past the machinery that Connect needs for streams, which takes most of
 * the time of a small call. It makes the same calls through the same interceptors, and answers the same bytes. Whatever is out of the
 * ordinary goes through Connect's own handlers.
 */
import { create, type Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import {
  type Compression,
  compressionNegotiate,
  createDeadlineSignal,
  createLinkedAbortController,
  createMethodSerializationLookup,
  validateReadWriteMaxBytes,
} from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Millis } from "../domain/time.ts";
import { peerKey } from "../rpc/caller.ts";
import { httpStatusKey } from "../rpc/http_status.ts";
import { callKey } from "./call.ts";
import { type Exchange, headersOf, urlOf } from "./exchange.ts";
import { shortenFarDeadline } from "./far_deadline.ts";
import type { Limits } from "./limits.ts";
import { type AnswerOptions, errorAnswer, messageAnswer } from "./unary_answer.ts";
import { type Additions, UnaryContext } from "./unary_context.ts";
import type { UnaryMethod } from "./unary_methods.ts";
import { messageOf, timeoutOf, type UnaryWire, unaryWireOf } from "./unary_request.ts";
import { readWholeBody } from "./whole_body.ts";
import { type WholeResponse, writeWhole } from "./write_response.ts";

export interface UnaryLaneOptions {
  /** The first one is the outermost. */
  readonly interceptors: readonly Interceptor[];
  readonly limits: Limits;
}

/**
 * Serves a call of one RPC. Resolves with null when it is answered, or with what has come of its body if it turns out to be a call for
 * Connect. Null instead of a promise: it is a call for Connect, and nothing of it was read.
 */
export type UnaryLane = (exchange: Exchange) => Promise<readonly Uint8Array[] | null> | null;

/** How long a body may take to come before its call is one for Connect, which is patient. */
const PATIENCE: Millis = 100;

/** Where a call carries its context past the interceptors, which know only a part of it. */
const contextKey: ContextKey<UnaryContext | null> = createContextKey<UnaryContext | null>(null, {
  description: "the context of a call in the unary lane",
});

export function createUnaryLane(spec: UnaryMethod, { interceptors, limits }: UnaryLaneOptions): UnaryLane {
  const { method } = spec;
  const service = method.parent;
  const sizes = validateReadWriteMaxBytes(limits.maxBodyBytes, undefined, undefined);
  const serialization = createMethodSerializationLookup(method, undefined, undefined, sizes);

  const handle: ReturnType<Interceptor> = async (request) => {
    const context = request.contextValues.get(contextKey);
    if (context === null || request.stream) throw new Error("no unary call can come here without its context");
    const message = create(method.output, await spec.impl(request.message, context.after(request)));
    return {
      stream: false,
      service,
      method,
      message,
      get header() {
        return context.responseHeader;
      },
      get trailer() {
        return context.responseTrailer;
      },
    };
  };
  const call = interceptors.toReversed().reduce((next, interceptor) => interceptor(next), handle);

  /** The encoded answer. Rejects with whatever the call fails with. */
  const callWith = async (message: Message, context: UnaryContext, wire: UnaryWire): Promise<Uint8Array> => {
    const { requestMethod, requestHeader: header, url, signal, values: contextValues } = context;
    const answer = await call({
      stream: false,
      requestMethod,
      header,
      url,
      signal,
      contextValues,
      service,
      method,
      message,
    });
    if (answer.stream) throw new Error(`${service.typeName}/${method.name} answered with a stream`);
    return serialization.getO(wire !== "connect_json").serialize(answer.message);
  };

  const serve = async (exchange: Exchange, wire: UnaryWire, url: string): Promise<readonly Uint8Array[] | null> => {
    const { chunks, isWhole } = await readWholeBody(exchange.request, {
      maxBytes: limits.maxBodyBytes,
      patience: Math.min(PATIENCE, limits.requestTimeout),
    });
    const requestHeader = headersOf(exchange);
    shortenFarDeadline(requestHeader);
    const timeout = timeoutOf(wire, requestHeader);
    if (timeout === undefined) return chunks;
    const left = timeout === null ? null : timeout - (performance.now() - exchange.startedAt);
    const message = isWhole ? messageOf(wire, joined(chunks), method, serialization) : null;
    if (message === null || (left !== null && left <= 0)) {
      if (left !== null) giveUpIn(exchange, left);
      return chunks;
    }

    const values = createContextValues().set(callKey, exchange.call).set(peerKey, exchange.peer);
    const { signal, release } = signalOf(exchange, left);
    const additions: Additions = { header: null, trailer: null };
    const context = new UnaryContext({
      method,
      protocolName: exchange.call.protocol,
      url,
      signal,
      deadline: left === null ? null : performance.now() + left,
      requestHeader,
      values,
      additions,
    });
    values.set(contextKey, context);
    exchange.call.values = values;
    exchange.call.context = context;

    const options: AnswerOptions = { wire, compression: compressionFor(wire, requestHeader), additions };
    let answer: WholeResponse;
    try {
      answer = await messageAnswer(await callWith(message, context, wire), options);
    } catch (reason) {
      answer = await errorAnswer(errorOf(reason), values.get(httpStatusKey), options);
    }
    release();
    await writeWhole(exchange, answer);
    return null;
  };

  return (exchange) => {
    const wire = unaryWireOf(exchange.request);
    const url = wire === null ? null : urlOf(exchange);
    if (wire === null || url === null) return null;
    exchange.call.protocol = wire === "grpc" ? "grpc" : "connect";
    return serve(exchange, wire, url);
  };
}

/** Aborts when nobody waits for the answer any more, and when the time that is `left` has passed (null: there is no deadline). */
function signalOf(
  { signal }: Exchange,
  left: Millis | null,
): { readonly signal: AbortSignal; readonly release: () => void } {
  if (left === null) return { signal, release: () => undefined };
  const deadline = createDeadlineSignal(left);
  return { signal: createLinkedAbortController(deadline.signal, signal).signal, release: deadline.cleanup };
}

/** For a call with a deadline that goes on in Connect's lane, which would count from then on. */
function giveUpIn(exchange: Exchange, left: Millis): void {
  const timeUp = (): void => exchange.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  const timer = setTimeout(timeUp, Math.max(0, left));
  exchange.response.on("close", () => clearTimeout(timer));
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

export function compressionFor(wire: UnaryWire, header: Headers): Compression | null {
  const name = wire === "grpc" ? "grpc-accept-encoding" : "accept-encoding";
  return compressionNegotiate([compressionGzip], null, header.get(name), name).response;
}

export function errorOf(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, reason);
}
