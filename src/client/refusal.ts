/** Tells an answer of Belay from a failure to reach it, and reads why a call was refused. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorReason } from "../../gen/belay/v1/error_reason_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** The names that google.rpc.ErrorInfo.reason takes. */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/** What a refusal says, for programs. */
export interface RefusalInfo {
  /** One of {@link Reason}, or a name that this version of the library does not know. Empty if the error carries none. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Codes with which Belay answers for good: asking again would get the same answer. All others are worth another attempt. */
const FINAL_CODES: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.Unauthenticated,
]);

const BODY_TOO_LARGE: Reason = "BODY_TOO_LARGE";

/** True if repeating the call may get another answer. */
export function isWorthRetrying(error: unknown): boolean {
  const connectError = ConnectError.from(error);
  if (FINAL_CODES.has(connectError.code)) return false;
  // RESOURCE_EXHAUSTED otherwise means "not now"; this body will never be small enough.
  return refusalOf(connectError).reason !== BODY_TOO_LARGE;
}

/** Reads the ErrorInfo of a refusal. */
export function refusalOf(error: unknown): RefusalInfo {
  const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
  return { reason: info?.reason ?? "", metadata: info?.metadata ?? {} };
}

/** True if the call was refused for one of these reasons. */
export function isRefusedFor(error: unknown, ...reasons: Reason[]): boolean {
  const { reason } = refusalOf(error);
  return reasons.some((candidate) => candidate === reason);
}
