/** What each reason of an error means to a caller: its canonical code, and whether asking again helps. */
import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import type { RefusalReason } from "../domain/refusal.ts";

/** Why a call failed: the refusals of the service, and what goes wrong on the way to it. */
export type Reason =
  | RefusalReason
  | "malformed_body"
  | "body_too_large"
  | "unknown_method"
  | "deadline_exceeded"
  | "cancellation_failed"
  | "internal";

interface Meaning {
  readonly code: Code;
  /** After how many seconds to ask again; null where that does not help. */
  readonly retryAfter: number | null;
}

const final = (code: Code): Meaning => ({ code, retryAfter: null });
// Nothing is known of how long the cause lasts. One second keeps a caller's wait short and a crowd of callers bearable.
const passing = (code: Code): Meaning => ({ code, retryAfter: 1 });

const MEANINGS: Readonly<Record<Reason, Meaning>> = {
  invalid_request: final(Code.InvalidArgument),
  malformed_body: final(Code.InvalidArgument),
  idempotency_key_reused: final(Code.InvalidArgument),
  invalid_page_token: final(Code.InvalidArgument),
  execution_not_found: final(Code.NotFound),
  cancellation_not_found: final(Code.NotFound),
  listener_job_not_found: final(Code.NotFound),
  batch_operation_not_found: final(Code.NotFound),
  parent_not_found: final(Code.NotFound),
  execution_exists: final(Code.AlreadyExists),
  already_cancelled: final(Code.FailedPrecondition),
  already_finished: final(Code.FailedPrecondition),
  cancellation_under_way: final(Code.FailedPrecondition),
  not_a_root: final(Code.FailedPrecondition),
  parent_not_live: final(Code.FailedPrecondition),
  lease_held: final(Code.FailedPrecondition),
  stale_token: final(Code.FailedPrecondition),
  not_cancelled: final(Code.FailedPrecondition),
  listener_job_not_held: final(Code.FailedPrecondition),
  no_incident: final(Code.FailedPrecondition),
  batch_operation_not_active: final(Code.FailedPrecondition),
  batch_operation_not_suspended: final(Code.FailedPrecondition),
  still_cancelling: passing(Code.DeadlineExceeded),
  deadline_exceeded: final(Code.DeadlineExceeded),
  key_not_found: final(Code.NotFound),
  overloaded: passing(Code.ResourceExhausted),
  rate_limited: passing(Code.ResourceExhausted),
  body_too_large: final(Code.ResourceExhausted),
  shutting_down: passing(Code.Unavailable),
  store_unavailable: passing(Code.Unavailable),
  identity_provider_unavailable: passing(Code.Unavailable),
  sequence_out_of_range: final(Code.OutOfRange),
  watcher_too_slow: final(Code.Aborted),
  cancellation_failed: final(Code.Internal),
  unauthenticated: final(Code.Unauthenticated),
  permission_denied: final(Code.PermissionDenied),
  unknown_method: final(Code.Unimplemented),
  internal: final(Code.Internal),
};

/** To Camunda's clients a process instance that has ended is one that is not there. */
const ENDED_IS_NOT_FOUND: ReadonlySet<DescMethod> = new Set<DescMethod>([
  CancellationService.method.cancelProcessInstance,
  Gateway.method.cancelProcessInstance,
]);

/** Every reason, each once. */
export const REASONS: readonly string[] = Object.keys(MEANINGS);

/** The canonical code of `reason` on `method`; null where no method was reached. */
export function codeOf(reason: Reason, method: DescMethod | null): Code {
  const ended = reason === "already_cancelled" || reason === "already_finished";
  if (ended && method !== null && ENDED_IS_NOT_FOUND.has(method)) return Code.NotFound;
  return MEANINGS[reason].code;
}

/** After how many seconds asking again helps; null if it does not. */
export function retryAfterOf(reason: Reason): number | null {
  return MEANINGS[reason].retryAfter;
}

/** The reason behind an error that names none: one that Connect itself raised, or an aborted signal brought. */
export function reasonOfCode(code: Code): Reason | null {
  switch (code) {
    case Code.InvalidArgument:
      return "malformed_body";
    case Code.ResourceExhausted:
      return "body_too_large";
    case Code.Unimplemented:
      return "unknown_method";
    case Code.DeadlineExceeded:
      return "deadline_exceeded";
    case Code.Unavailable:
      return "shutting_down";
    case Code.Internal:
    case Code.Unknown:
      return "internal";
    default:
      return null;
  }
}
