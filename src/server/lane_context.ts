/** What the handler of a call in a lane is told of it. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ContextValues, HandlerContext, StreamRequest, UnaryRequest } from "@connectrpc/connect";
import type { Millis } from "../domain/time.ts";

/** Headers and trailers that a handler adds to its answer: hardly any does, so they are only made when one asks for them. */
export interface Additions {
  header: Headers | null;
  trailer: Headers | null;
}

interface LaneContextInit {
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly url: string;
  /** Aborts at the deadline, and when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** On the clock of `performance.now()`; null: there is no deadline. */
  readonly deadline: Millis | null;
  readonly requestHeader: Headers;
  readonly values: ContextValues;
  readonly additions: Additions;
}

export class LaneContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: DescService;
  readonly requestMethod = "POST";
  readonly protocolName: string;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly requestHeader: Headers;
  readonly values: ContextValues;
  /** Not a method: whoever takes the context apart may call it by itself. */
  readonly timeoutMs = (): number | undefined =>
    this.#deadline === null ? undefined : this.#deadline - performance.now();
  readonly #deadline: Millis | null;
  readonly additions: Additions;

  constructor({ method, protocolName, url, signal, deadline, requestHeader, values, additions }: LaneContextInit) {
    this.method = method;
    this.service = method.parent;
    this.protocolName = protocolName;
    this.url = url;
    this.signal = signal;
    this.requestHeader = requestHeader;
    this.values = values;
    this.#deadline = deadline;
    this.additions = additions;
  }

  /** The context as the interceptors have left it. */
  after({ signal, header: requestHeader, contextValues: values }: UnaryRequest | StreamRequest): LaneContext {
    const { method, protocolName, url } = this;
    const [deadline, additions] = [this.#deadline, this.additions];
    return new LaneContext({ method, protocolName, url, signal, deadline, requestHeader, values, additions });
  }

  get responseHeader(): Headers {
    this.additions.header ??= new Headers();
    return this.additions.header;
  }

  get responseTrailer(): Headers {
    this.additions.trailer ??= new Headers();
    return this.additions.trailer;
  }
}
