/** Why a command was refused. */

/** Each reason stands, in upper case, in google.rpc.ErrorInfo and in the contract's ErrorReason. */
export const REFUSAL_REASONS = [
  "invalid_request",
  "idempotency_key_reused",
  "invalid_page_token",
  "execution_not_found",
  "cancellation_not_found",
  "listener_job_not_found",
  "batch_operation_not_found",
  "parent_not_found",
  "execution_exists",
  "already_cancelled",
  "already_finished",
  "cancellation_under_way",
  "not_a_root",
  "parent_not_live",
  "lease_held",
  "stale_token",
  "not_cancelled",
  "listener_job_not_held",
  "no_incident",
  "batch_operation_not_active",
  "batch_operation_not_suspended",
  "still_cancelling",
  "overloaded",
  "shutting_down",
  "store_unavailable",
  "sequence_out_of_range",
  "watcher_too_slow",
  "unauthenticated",
  "permission_denied",
  "rate_limited",
  "key_not_found",
  "identity_provider_unavailable",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** A refusal, as data. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** What was wrong, where, and what would be right. */
  readonly message: string;
  /** Particulars for programs; keys are in snake_case. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A refusal, thrown at the edges of the service. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.message, options);
    this.refusal = refusal;
  }
}

export function refusal(reason: RefusalReason, message: string, metadata: Record<string, string> = {}): Refusal {
  return { reason, message, metadata };
}
