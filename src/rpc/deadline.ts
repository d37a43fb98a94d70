/** Deadlines: a call is answered in time, whatever its handler does. Connect only signals them. */
import { isMessage } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { ActivateListenerJobsRequestSchema } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Millis } from "../domain/time.ts";
import { accompanied } from "./accompanied.ts";
import { type FaultLog, isFault, logFault } from "./fault_log.ts";

/** How long before the deadline a handler is told, at most, so that its own answer still reaches a caller who stops listening then. */
const ANSWER_MARGIN: Millis = 250;

/**
 * Aborts the handler's signal shortly before the deadline, and answers DEADLINE_EXCEEDED at the deadline if the handler has not.
 * Answers at once if the caller leaves or the server shuts down. Streams have no deadline but their caller's; one that ends because
 * its signal was aborted ends with an error, so that it is not taken for complete.
 */
export function enforceDeadlines(log: FaultLog, defaultDeadline: Millis): Interceptor {
  return (next) => async (call) => {
    if (!call.stream) return answerInTime(call, deadlineOf(call, defaultDeadline), next, log);
    const answer = await next(call);
    return answer.stream ? { ...answer, message: failIfAborted(answer.message, call.signal) } : answer;
  };
}

/** Made with as little as possible: every call passes here, and hardly any is late. */
function answerInTime(
  call: UnaryRequest,
  deadline: Millis,
  next: ReturnType<Interceptor>,
  log: FaultLog,
): ReturnType<ReturnType<Interceptor>> {
  return new Promise((resolve, reject) => {
    const handler = new AbortController();
    let isOver = false;
    const finish = (): void => {
      isOver = true;
      clearTimeout(timer);
      call.signal.removeEventListener("abort", leave);
    };
    const fail = (error: unknown): void => {
      finish();
      reject(error);
    };
    const timeUp = (): ConnectError =>
      new ConnectError(`the call was not answered within ${deadline} ms`, Code.DeadlineExceeded);
    const leave = (): void => {
      const reason = errorOfAbort(call.signal.reason);
      // Whoever set the signal counts too, and one of the two is first.
      const error = reason.code === Code.DeadlineExceeded ? timeUp() : reason;
      fail(error);
      handler.abort(error);
    };
    const margin = Math.min(ANSWER_MARGIN, deadline / 10);
    const warn = (): void => {
      const error = timeUp();
      timer = setTimeout(fail, margin, error);
      handler.abort(error);
    };
    let timer = setTimeout(warn, deadline - margin);
    call.signal.addEventListener("abort", leave);
    if (call.signal.aborted) leave();

    next({ ...call, signal: handler.signal }).then(
      (answer) => {
        if (isOver) return;
        finish();
        resolve(answer);
      },
      (cause: unknown) => {
        const isAborted = isAbort(cause, handler.signal);
        if (!isOver) fail(isAborted ? errorOfAbort(handler.signal.reason) : cause);
        // What a handler throws once nobody listens: the caller can't be told, the log can.
        else if (isFault(cause) && !isAborted) logFault(log, call, cause);
      },
    );
  });
}

function failIfAborted<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return accompanied(messages, {
    onFailure: (cause) => (isAbort(cause, signal) ? errorOfAbort(signal.reason) : cause),
    onComplete: () => {
      if (signal.aborted) throw errorOfAbort(signal.reason);
    },
  });
}

/** What timers can count: about 24 days. */
const LONGEST_TIMER: Millis = 2 ** 31 - 1;

/** The caller's own deadline, or the default, extended by the time for which a long poll is asked to wait. */
function deadlineOf(call: UnaryRequest, defaultDeadline: Millis): Millis {
  const grpc = parseGrpcTimeout(call.header.get("grpc-timeout"), Number.MAX_SAFE_INTEGER).timeoutMs;
  const connect = parseConnectTimeout(call.header.get("connect-timeout-ms"), Number.MAX_SAFE_INTEGER).timeoutMs;
  // Nobody has checked it yet.
  const wait = isMessage(call.message, ActivateListenerJobsRequestSchema) ? Math.max(0, call.message.waitSeconds) : 0;
  const longPoll = wait * 1000;
  return Math.min(grpc ?? connect ?? defaultDeadline + longPoll, LONGEST_TIMER);
}

/** True if `cause` only says that `signal` was aborted. */
function isAbort(cause: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (cause === signal.reason || (cause instanceof Error && cause.name === "AbortError"));
}

/** An abort without an error of Connect's means that nobody waits for the answer. */
function errorOfAbort(reason: unknown): ConnectError {
  return reason instanceof ConnectError ? reason : new ConnectError("the caller has left", Code.Canceled);
}
