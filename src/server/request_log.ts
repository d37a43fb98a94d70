/** One log line for each request. */
import { Code, type ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Logger } from "pino";
import { callerKey } from "../rpc/caller.ts";
import type { Call } from "./call.ts";
import type { Exchange } from "./exchange.ts";

// Long enough for every path there is. What a scanner asks for may be longer.
const MAX_PATH_LENGTH = 200;

// Codes that say that the server, not its caller, is at fault.
const FAULTS: ReadonlySet<Code> = new Set([Code.Unknown, Code.Internal, Code.DataLoss]);

/** Logs an exchange that is over, whether it was answered or its client went away. */
export function logRequest(
  logger: Logger,
  { call, path, peer, request, requestId, response, startedAt }: Exchange,
): void {
  const { error } = call;
  const isFault = error !== undefined && FAULTS.has(error.code);
  // What is undefined is left out of the line.
  const line = {
    request_id: requestId,
    method: call.rpc ?? `${request.method} ${path.slice(0, MAX_PATH_LENGTH)}`,
    protocol: call.protocol,
    // No status was sent if the client went away before there was one.
    http_status: response.headersSent ? response.statusCode : undefined,
    address: peer.address,
    principal: principalOf(call),
    code: codeOf(error, response.writableEnded),
    duration_ms: Math.round((performance.now() - startedAt) * 1000) / 1000,
    // Without a cause it was logged where it was caught, and this error is what the caller was told.
    err: isFault && error.cause !== undefined ? error : undefined,
  };
  logger[levelOf(isFault, call.quiet)](line, "request");
}

/** Behind the gate a caller has the address of its peer; the default has none. */
function principalOf({ values }: Call): string | undefined {
  const caller = values?.get(callerKey);
  return caller?.address === "" ? undefined : caller?.principal;
}

function levelOf(isFault: boolean, isQuiet: boolean): "error" | "debug" | "info" {
  if (isFault) return "error";
  return isQuiet ? "debug" : "info";
}

function codeOf(error: ConnectError | undefined, answered: boolean): string {
  if (error !== undefined) return codeToString(error.code);
  return answered ? "ok" : codeToString(Code.Canceled);
}
