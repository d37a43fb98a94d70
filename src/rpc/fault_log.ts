/** Faults of the server: what no caller may see and every operator must. */
import { ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { Refused } from "../domain/refusal.ts";

/** Where faults are written. A pino logger is one. */
export interface FaultLog {
  error(fields: { readonly err: unknown; readonly method: string; readonly request_id: string }, message: string): void;
}

/** A call as interceptors see it. */
export type Call = UnaryRequest | StreamRequest;

/** The id by which the log tells of the call. The port gives one to every request; without a port it is empty. */
export function requestIdOf(call: Call): string {
  return call.header.get("x-request-id") ?? "";
}

/** True unless `cause` is meant for the caller. */
export function isFault(cause: unknown): boolean {
  return !(cause instanceof Refused || cause instanceof ConnectError);
}

/** Writes all that is known of a fault. */
export function logFault(log: FaultLog, call: Call, cause: unknown): void {
  const method = `${call.service.typeName}/${call.method.name}`;
  log.error({ err: cause, method, request_id: requestIdOf(call) }, "a call failed");
}
