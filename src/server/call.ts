/** What is known of a call while Connect runs it: whether its handler was reached, and how it failed. */
import {
  Code,
  ConnectError,
  type ContextKey,
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { accompanied } from "../rpc/accompanied.ts";

export interface Call {
  /** "package.Service/Method"; undefined while no RPC was found. */
  rpc: string | undefined;
  /** What it speaks: "grpc", "grpc-web", "connect"; or "http", while it is not known, or it is no RPC. */
  protocol: string;
  /** True for calls that go on until somebody ends them. */
  streams: boolean;
  /** True for calls that machines make all day: their log lines are for debugging. */
  quiet: boolean;
  /** Undefined until Connect has read the headers. */
  context: HandlerContext | undefined;
  /** True once the request could be read and the interceptors run. */
  reached: boolean;
  /** How it failed; undefined if it did not. */
  error: ConnectError | undefined;
  /** What the gate and the handler left behind; undefined until one of them was reached. */
  values: ContextValues | undefined;
  /** Called when a part of the answer is written, also when it is not the first. */
  onBegun: () => void;
}

export function newCall(): Call {
  return {
    rpc: undefined,
    protocol: "http",
    streams: false,
    quiet: false,
    context: undefined,
    reached: false,
    error: undefined,
    values: undefined,
    onBegun: () => undefined,
  };
}

/** Where the adapter puts the call, for the two functions below. */
export const callKey: ContextKey<Call | undefined> = createContextKey<Call | undefined>(undefined, {
  description: "the call",
});

/** A gate for Connect that lets every call pass and remembers its context. */
export function rememberContext(context: HandlerContext): void {
  const call = context.values.get(callKey);
  if (call === undefined) return;
  call.context = context;
  call.protocol = context.protocolName;
}

/**
 * The outermost interceptor: notes that the call was reached, and how it failed. `explain` turns what Connect finds wrong in a streamed
 * request into the error to answer.
 */
export function trackCall(explain: (error: ConnectError) => ConnectError): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callKey) ?? newCall();
    call.reached = true;
    try {
      if (!request.stream) return await next(request);
      const response = await next({ ...request, message: readable(request.message, explain) });
      if (!response.stream) return response;
      const onFailure = (reason: unknown): unknown => {
        call.error = ConnectError.from(reason, Code.Internal);
        return reason;
      };
      return { ...response, message: accompanied(response.message, { onFailure }) };
    } catch (reason) {
      call.error = ConnectError.from(reason, Code.Internal);
      throw reason;
    }
  };
}

async function* readable<T>(messages: AsyncIterable<T>, explain: (error: ConnectError) => ConnectError) {
  try {
    yield* messages;
  } catch (reason) {
    throw explain(ConnectError.from(reason, Code.Internal));
  }
}
