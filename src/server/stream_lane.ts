/**
 * The stream lane: serves gRPC calls that answer with a stream, those of attached workers and of watchers, past Connect's machinery, which
 * takes some 25 KiB for each of them for as long as it lasts. It makes the same calls through the same interceptors, and answers the same
 * bytes. Whatever is out of the ordinary goes through Connect's own handlers.
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
import { createMethodSerializationLookup, validateReadWriteMaxBytes } from "@connectrpc/connect/protocol";
import { grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Millis } from "../domain/time.ts";
import { mapped } from "../rpc/accompanied.ts";
import { peerKey } from "../rpc/caller.ts";
import { callKey } from "./call.ts";
import { type Exchange, headersOf, urlOf } from "./exchange.ts";
import { encodeGrpcMessage } from "./grpc_message.ts";
import { type AnswerOptions, compressed, envelopeOf, grpcHeader } from "./unary_answer.ts";
import { type Additions, UnaryContext } from "./unary_context.ts";
import { compressionFor, errorOf, joined, type UnaryLane, type UnaryLaneOptions } from "./unary_lane.ts";
import type { StreamMethod } from "./unary_methods.ts";
import { messageOf, unaryWireOf } from "./unary_request.ts";
import { readWholeBody } from "./whole_body.ts";
import { end, isClosed, write } from "./write_response.ts";

/** How long a body may take to come before its call is one for Connect: that would cost memory for as long as the stream lasts. */
const PATIENCE: Millis = 5_000;

/** Where a call carries its context past the interceptors, which know only a part of it. */
const contextKey: ContextKey<UnaryContext | null> = createContextKey<UnaryContext | null>(null, {
  description: "the context of a call in the stream lane",
});

/** Serves the calls of one RPC, as a unary lane does. */
export function createStreamLane(spec: StreamMethod, { interceptors, limits }: UnaryLaneOptions): UnaryLane {
  const { method } = spec;
  const service = method.parent;
  const sizes = validateReadWriteMaxBytes(limits.maxBodyBytes, undefined, undefined);
  const serialization = createMethodSerializationLookup(method, undefined, undefined, sizes);

  const handle: ReturnType<Interceptor> = async (request) => {
    const context = request.contextValues.get(contextKey);
    if (context === null || !request.stream) throw new Error("no stream can come here without its context");
    const answer = spec.impl(await onlyOne(request.message), context.after(request));
    return {
      stream: true,
      service,
      method,
      message: mapped(answer, (part) => create(method.output, part)),
      get header() {
        return context.responseHeader;
      },
      get trailer() {
        return context.responseTrailer;
      },
    };
  };
  const call = interceptors.toReversed().reduce((next, interceptor) => interceptor(next), handle);

  /** Rejects with whatever the call fails with. Resolves when all is written, or the client has gone. */
  async function answer(
    exchange: Exchange,
    context: UnaryContext,
    message: Message,
    options: AnswerOptions,
  ): Promise<void> {
    const { response, stallTimeout } = exchange;
    const { requestMethod, requestHeader: header, url, signal, values: contextValues } = context;
    const request = { requestMethod, header, url, signal, contextValues, service, method };
    const messages = await call({ stream: true, ...request, message: single(message) }).then(messagesOf);
    // Interceptors that copy the answer have asked for them: hardly any stream needs them, and each lasts long.
    dropEmpty(options.additions);
    for await (const each of messages) {
      const { data, encoding } = await compressed(serialization.getO(true).serialize(each), options);
      // Not earlier: a handler may still set headers until its first message.
      if (!response.headersSent) response.writeHead(200, grpcHeader(options));
      if (!(await write(response, envelopeOf(data, encoding !== null), stallTimeout))) return;
    }
  }

  const serve = async (exchange: Exchange, url: string): Promise<readonly Uint8Array[] | null> => {
    const { signal } = exchange;
    const { chunks, isWhole } = await readWholeBody(exchange.request, {
      maxBytes: limits.maxBodyBytes,
      patience: Math.min(PATIENCE, limits.requestTimeout),
    });
    const message = isWhole ? messageOf("grpc", joined(chunks), method, serialization) : null;
    if (message === null) return chunks;
    const header = headersOf(exchange);
    const additions: Additions = { header: null, trailer: null };
    const values = createContextValues().set(callKey, exchange.call).set(peerKey, exchange.peer);
    const context = new UnaryContext({
      method,
      protocolName: "grpc",
      url,
      signal,
      deadline: null,
      requestHeader: header,
      values,
      additions,
    });
    values.set(contextKey, context);
    exchange.call.values = values;
    exchange.call.protocol = "grpc";
    const options: AnswerOptions = { wire: "grpc", compression: compressionFor("grpc", header), additions };
    let trailer: Record<string, string>;
    try {
      await answer(exchange, context, message, options);
      const all = new Headers(additions.trailer ?? []);
      all.set("grpc-status", grpcStatusOk);
      trailer = Object.fromEntries(all);
    } catch (reason) {
      const status = setTrailerStatus(new Headers(additions.trailer ?? []), errorOf(reason));
      trailer = encodeGrpcMessage(Object.fromEntries(status));
    }
    const { response } = exchange;
    if (isClosed(response)) return null;
    if (!response.headersSent) response.writeHead(200, grpcHeader(options));
    response.addTrailers(trailer);
    end(exchange, null);
    return null;
  };

  return (exchange) => {
    const { request } = exchange;
    // One with a deadline is for Connect, which watches over it.
    if (unaryWireOf(request) !== "grpc" || request.headers["grpc-timeout"] !== undefined) return null;
    const url = urlOf(exchange);
    return url === null ? null : serve(exchange, url);
  };
}

async function onlyOne<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new ConnectError("protocol error: missing input message for server-streaming method", Code.Unimplemented);
}

async function* single<T>(message: T): AsyncIterable<T> {
  yield message;
}

function messagesOf(answer: Awaited<ReturnType<ReturnType<Interceptor>>>): AsyncIterable<Message> {
  if (answer.stream) return answer.message;
  throw new Error(`${answer.service.typeName}/${answer.method.name} answered without a stream`);
}

function dropEmpty(additions: Additions): void {
  if (additions.header?.keys().next().done === true) additions.header = null;
  if (additions.trailer?.keys().next().done === true) additions.trailer = null;
}
