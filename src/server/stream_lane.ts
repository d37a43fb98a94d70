/**
 * The stream lane: serves gRPC calls that answer with a stream, those of attached workers and of watchers, past Connect's machinery, which
 * takes some 25 KiB for each of them for as long as it lasts. It makes the same calls through the same interceptors, and answers the same
 * bytes. Whatever is out of the ordinary goes through Connect's own handlers.
 */
import { create, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { Millis } from "../domain/time.ts";
import { mapped } from "../rpc/accompanied.ts";
import { rememberLast } from "../rpc/remember_last.ts";
import { type Exchange, headersOf, urlOf } from "./exchange.ts";
import { encodeGrpcMessage } from "./grpc_message.ts";
import { errorOf, type Lane, type LaneOptions, openCall, serializationOf, throughInterceptors } from "./lane.ts";
import { type AnswerOptions, compressed, envelopeOf, grpcHeader } from "./lane_answer.ts";
import type { Additions, LaneContext } from "./lane_context.ts";
import type { StreamMethod } from "./lane_methods.ts";
import { laneWireOf, messageOf, PREFIX_BYTES } from "./lane_request.ts";
import { joined, readWholeBody } from "./whole_body.ts";
import { end, isClosed, write } from "./write_response.ts";

/** How long a body may take to come before its call is one for Connect: that would cost memory for as long as the stream lasts. */
const PATIENCE: Millis = 5_000;

/** Serves the calls of one RPC, as a unary lane does. */
export function createStreamLane(spec: StreamMethod, options: LaneOptions): Lane {
  const { method } = spec;
  const { limits } = options;
  const service = method.parent;
  const serialization = serializationOf(method, options);
  // Whoever waits for its client to take it holds the same bytes as all others.
  const plain = rememberLast((message: Message) => envelopeOf(serialization.getO(true).serialize(message), false));

  const call = throughInterceptors(options, async (request, context) => {
    if (!request.stream) throw new Error(`${service.typeName}/${method.name} answers with a stream`);
    const answer = spec.impl(await onlyOne(request.message), context);
    return {
      stream: true,
      service,
      method,
      message: mapped(answer, (part) => create(method.output, part)),
      header: context.responseHeader,
      trailer: context.responseTrailer,
    };
  });

  /** Rejects with whatever the call fails with. Resolves when all is written, or the client has gone. */
  async function answer(
    exchange: Exchange,
    context: LaneContext,
    message: Message,
    answering: AnswerOptions,
  ): Promise<void> {
    const { response } = exchange;
    const messages = messagesOf(await call(context, { stream: true, service, method, message: single(message) }));
    // They were made for the interceptors: hardly any stream needs them, and each lasts long.
    dropEmpty(answering.additions);
    for await (const each of messages) {
      const envelope = plain(each);
      const { data, encoding } = await compressed(envelope.subarray(PREFIX_BYTES), answering);
      // Not earlier: a handler may still set headers until its first message.
      if (!response.headersSent) response.writeHead(200, grpcHeader(answering));
      if (!(await write(exchange, encoding === null ? envelope : envelopeOf(data, true)))) return;
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
    exchange.call.protocol = "grpc";
    const { context, answering } = openCall(exchange, "grpc", { method, url, header, signal, deadline: null });
    const { additions } = answering;
    let trailer: Record<string, string>;
    try {
      await answer(exchange, context, message, answering);
      const all = new Headers(additions.trailer ?? []);
      all.set("grpc-status", grpcStatusOk);
      trailer = Object.fromEntries(all);
    } catch (reason) {
      const status = setTrailerStatus(new Headers(additions.trailer ?? []), errorOf(reason));
      trailer = encodeGrpcMessage(Object.fromEntries(status));
    }
    const { response } = exchange;
    if (isClosed(response)) return null;
    if (!response.headersSent) response.writeHead(200, grpcHeader(answering));
    response.addTrailers(trailer);
    end(exchange, null);
    return null;
  };

  return (exchange) => {
    const { request } = exchange;
    // One with a deadline is for Connect, which watches over it.
    if (laneWireOf(request) !== "grpc" || request.headers["grpc-timeout"] !== undefined) return null;
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
