/**
 * The unary lane: serves unary calls straight from the request, past the machinery that Connect needs for streams, which takes most of
 * the time of a small call. It makes the same calls through the same interceptors, and answers the same bytes. Whatever is out of the
 * ordinary goes through Connect's own handlers.
 */
import { create, type DescMethodUnary, type DescService, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { createDeadlineSignal, createLinkedAbortController } from "@connectrpc/connect/protocol";
import type { Millis } from "../domain/time.ts";
import { httpStatusKey } from "../rpc/http_status.ts";
import { type Exchange, headersOf, urlOf } from "./exchange.ts";
import { shortenFarDeadline } from "./far_deadline.ts";
import { errorOf, type Lane, type LaneOptions, openCall, serializationOf, throughInterceptors } from "./lane.ts";
import { errorAnswer, messageAnswer } from "./lane_answer.ts";
import type { LaneContext } from "./lane_context.ts";
import type { UnaryMethod } from "./lane_methods.ts";
import { type LaneWire, laneWireOf, messageOf, timeoutOf } from "./lane_request.ts";
import { joined, readWholeBody } from "./whole_body.ts";
import { type WholeResponse, writeWhole } from "./write_response.ts";

/** How long a body may take to come before its call is one for Connect, which is patient. */
const PATIENCE: Millis = 100;

export function createUnaryLane(spec: UnaryMethod, options: LaneOptions): Lane {
  const { method } = spec;
  const { limits } = options;
  const service = method.parent;
  const serialization = serializationOf(method, options);

  const call = throughInterceptors(options, async (request, context) => {
    if (request.stream) throw new Error(`${service.typeName}/${method.name} takes no stream`);
    return new LaneAnswer(method, create(method.output, await spec.impl(request.message, context)), context);
  });

  /** The encoded answer. Rejects with whatever the call fails with. */
  const callWith = async (message: Message, context: LaneContext, wire: LaneWire): Promise<Uint8Array> => {
    const answer = await call(context, { stream: false, service, method, message });
    if (answer.stream) throw new Error(`${service.typeName}/${method.name} answered with a stream`);
    return serialization.getO(wire !== "connect_json").serialize(answer.message);
  };

  const serve = async (exchange: Exchange, wire: LaneWire, url: string): Promise<readonly Uint8Array[] | null> => {
    const { chunks, isWhole } = await readWholeBody(exchange.request, {
      maxBytes: limits.maxBodyBytes,
      patience: Math.min(PATIENCE, limits.requestTimeout),
    });
    const header = headersOf(exchange);
    shortenFarDeadline(header);
    const timeout = timeoutOf(wire, header);
    if (timeout === undefined) return chunks;
    const left = timeout === null ? null : timeout - (performance.now() - exchange.startedAt);
    const message = isWhole ? messageOf(wire, joined(chunks), method, serialization) : null;
    if (message === null || (left !== null && left <= 0)) {
      if (left !== null) giveUpIn(exchange, left);
      return chunks;
    }

    const { signal, release } = signalOf(exchange, left);
    const deadline = left === null ? null : performance.now() + left;
    const { context, answering } = openCall(exchange, wire, { method, url, header, signal, deadline });
    let answer: WholeResponse;
    try {
      answer = await messageAnswer(await callWith(message, context, wire), answering);
    } catch (reason) {
      answer = await errorAnswer(errorOf(reason), context.values.get(httpStatusKey), answering);
    }
    release();
    await writeWhole(exchange, answer);
    return null;
  };

  return (exchange) => {
    const wire = laneWireOf(exchange.request);
    const url = wire === null ? null : urlOf(exchange);
    if (wire === null || url === null) return null;
    exchange.call.protocol = wire === "grpc" ? "grpc" : "connect";
    return serve(exchange, wire, url);
  };
}

/**
 * What a handler answers, for the interceptors. No object literal: with getters in it each one would have a hidden class of its own, which
 * V8 makes as an old object, so that the whole call would live until the whole heap is collected.
 */
class LaneAnswer implements UnaryResponse {
  readonly stream = false;
  readonly service: DescService;
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly #context: LaneContext;

  constructor(method: DescMethodUnary, message: Message, context: LaneContext) {
    this.service = method.parent;
    this.method = method;
    this.message = message;
    this.#context = context;
  }

  get header(): Headers {
    return this.#context.responseHeader;
  }

  get trailer(): Headers {
    return this.#context.responseTrailer;
  }
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
