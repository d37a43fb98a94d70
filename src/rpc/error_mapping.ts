/** Turns whatever a handler throws into an error that callers can read, and that tells them nothing of the inside. */
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { Refused } from "../domain/refusal.ts";
import { accompanied } from "./accompanied.ts";
import { completeError, errorInfoReason, failureToError, refusalToError } from "./errors.ts";
import { type Call, type FaultLog, logFault, requestIdOf } from "./fault_log.ts";
import { httpStatusKey, httpStatusOf } from "./http_status.ts";

/** The outermost interceptor. Sets `httpStatusKey` to the status that the contract documents for the error. */
export function mapErrors(log: FaultLog): Interceptor {
  return (next) => async (call) => {
    const fail = (cause: unknown): ConnectError => {
      const error = errorOfCause(cause, call, log);
      call.contextValues.set(httpStatusKey, httpStatusOf(call.method, error.code, errorInfoReason(error)));
      return error;
    };
    try {
      const answer = await next(call);
      return answer.stream ? { ...answer, message: accompanied(answer.message, { onFailure: fail }) } : answer;
    } catch (cause) {
      throw fail(cause);
    }
  };
}

function errorOfCause(cause: unknown, call: Call, log: FaultLog): ConnectError {
  if (cause instanceof Refused) return refusalToError(cause.refusal, call.method);
  if (cause instanceof ConnectError) return completeError(cause, call.method);
  logFault(log, call, cause);
  return internalError(call);
}

/** Tells the caller no more than the id by which the log tells the rest. */
function internalError(call: Call): ConnectError {
  const requestId = requestIdOf(call);
  if (requestId === "") return failureToError({ reason: "internal", message: "internal error" }, call.method);
  const message = `internal error; the server's log tells more under request id ${requestId}`;
  return failureToError({ reason: "internal", message, metadata: { request_id: requestId } }, call.method);
}
