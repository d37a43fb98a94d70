/** Errors of the protocol: what is wrong with a call before any handler can judge its request. */
import { Code, type ConnectError } from "@connectrpc/connect";
import { completeError, errorInfoReason, failureToError } from "../rpc/errors.ts";

/** What the calls under way are given up with when the server stops. */
export function shuttingDown(): ConnectError {
  return failureToError({ reason: "shutting_down", message: "the server is shutting down" }, null);
}

/** No such RPC or route, or not in this way. `headers` are answered with it. */
export function unknownMethod(message: string, headers: Readonly<Record<string, string>> = {}): ConnectError {
  return withHeaders(failureToError({ reason: "unknown_method", message }, null), headers);
}

/** What was sent can't be read at all. `headers` are answered with it. */
export function malformed(message: string, headers: Readonly<Record<string, string>> = {}): ConnectError {
  return withHeaders(failureToError({ reason: "malformed_body", message }, null), headers);
}

/**
 * Says for people and programs why Connect could not read a request. Connect's own codes don't tell: they blame the server for a
 * message that is no protobuf, and name no reason.
 */
export function unreadable(error: ConnectError, maxBodyBytes: number): ConnectError {
  if (errorInfoReason(error) !== "") return error;
  switch (error.code) {
    case Code.ResourceExhausted: {
      const message = `the request message is larger than the ${maxBodyBytes} bytes that this server accepts`;
      return failureToError({ reason: "body_too_large", message }, null);
    }
    case Code.InvalidArgument:
    case Code.Internal:
      return malformed(`the request can't be read: ${error.rawMessage}`);
    default:
      // The headers of an unknown compression name those that are known.
      return withHeaders(completeError(error, null), Object.fromEntries(error.metadata));
  }
}

function withHeaders(error: ConnectError, headers: Readonly<Record<string, string>>): ConnectError {
  for (const [name, value] of Object.entries(headers)) error.metadata.set(name, value);
  return error;
}
