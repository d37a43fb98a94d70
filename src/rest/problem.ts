/** What went wrong with a request, before a dialect puts it into its own shape. */
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type FieldViolation, failureToError } from "../rpc/errors.ts";
import type { Reason } from "../rpc/reasons.ts";

export interface Problem {
  /** The canonical code, for example NOT_FOUND. */
  readonly code: Code;
  /** The reason in upper case, as in ErrorInfo; empty if there is none. */
  readonly reason: string;
  /** What was wrong and what would be right, for people. */
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The broken fields, if some are. */
  readonly violations: readonly FieldViolation[];
  /** The HTTP status, where what went wrong has one of its own (405, 413, 415); otherwise the dialect's table decides. */
  readonly status: number | null;
  /** Headers to answer with, for example `retry-after` or `allow`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What an error of an RPC says in headers. */
const ANSWERED_HEADERS = ["retry-after", "www-authenticate"];

/** The problem that an error of an RPC stands for. */
export function problemOfError(error: ConnectError): Problem {
  const [info] = error.findDetails(ErrorInfoSchema);
  const headers = ANSWERED_HEADERS.map((name) => [name, error.metadata.get(name)] as const);
  return {
    code: error.code,
    reason: info?.reason ?? "",
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
    violations: error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations),
    // No route documents it, and every client knows it.
    status: info?.reason === "BODY_TOO_LARGE" ? 413 : null,
    headers: Object.fromEntries(headers.flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
  };
}

/** A problem that no RPC raised. */
export function problemOf(
  reason: Reason,
  message: string,
  rest: Partial<Pick<Problem, "status" | "headers" | "metadata">> = {},
  method: DescMethod | null = null,
): Problem {
  return { ...problemOfError(failureToError({ reason, message }, method)), ...rest };
}

/** The canonical name of a code: "NOT_FOUND". */
export function nameOfCode(code: Code): string {
  return CODE_NAMES[code];
}

const CODE_NAMES: Readonly<Record<Code, string>> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};
