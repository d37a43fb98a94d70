/** Which HTTP status an error has over Connect's HTTP/JSON: what its RPC documents, or else what the Connect protocol says. */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { Code, type ContextKey, createContextKey } from "@connectrpc/connect";
import { type ErrorStatus, http_statuses } from "../../gen/belay/v1/http_status_pb.ts";

/**
 * Where a handler or an interceptor puts the HTTP status of the error it throws. Only Connect's unary calls have one: gRPC and gRPC-Web
 * always answer 200.
 */
export const httpStatusKey: ContextKey<number | undefined> = createContextKey<number | undefined>(undefined, {
  description: "the HTTP status of the error",
});

// https://connectrpc.com/docs/protocol/#error-codes
const CONNECT_STATUS: Readonly<Record<Code, number>> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

// What went wrong before there was a request to judge. An RPC documents what its own requests can meet, so an entry of its table
// for the whole code does not speak of these.
const TRANSPORT_STATUS: ReadonlyMap<string, number> = new Map([
  ["MALFORMED_BODY", 400],
  ["BODY_TOO_LARGE", 413],
  ["UNKNOWN_METHOD", 404],
]);

const tables = new WeakMap<DescMethod, readonly ErrorStatus[]>();

/**
 * The HTTP status of an error with this code and this reason (of google.rpc.ErrorInfo; empty if it has none) on this RPC: the first
 * entry of its option `(belay.v1.http_statuses)` that fits, or else the status that the Connect protocol gives the code.
 */
export function httpStatusOf(method: DescMethod, code: Code, reason: string): number {
  const entries = tableOf(method).filter((entry) => Number(entry.code) === Number(code));
  const ofTransport = TRANSPORT_STATUS.get(reason);
  if (ofTransport !== undefined) {
    return entries.find((entry) => entry.reason === reason)?.httpStatus ?? ofTransport;
  }
  const documented = entries.find((entry) => entry.reason === "" || entry.reason === reason);
  return documented?.httpStatus ?? CONNECT_STATUS[code];
}

/** Kept, because reading an option decodes it anew each time. */
function tableOf(method: DescMethod): readonly ErrorStatus[] {
  let table = tables.get(method);
  if (table === undefined) {
    table = hasOption(method, http_statuses) ? getOption(method, http_statuses).errors : [];
    tables.set(method, table);
  }
  return table;
}
