/** The cancel of a process: what PhoneFarm's callers send, and what they get. */
import type { JsonValue } from "@bufbuild/protobuf";
import { TerminationStatus } from "../../../gen/belay/v1/cancellation_pb.ts";
import {
  CancellationService,
  type CancelProcessRequest,
  type CancelProcessResponse,
  CancelProcessStatus,
} from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { requestOfJson } from "../../rpc/json_request.ts";
import { processStatusOf } from "./process_json.ts";

const STRATEGIES: ReadonlyMap<JsonValue | undefined, string> = new Map([
  ["soft", "STRATEGY_SOFT"],
  ["hard", "STRATEGY_HARD"],
  ["soft_then_force", "STRATEGY_SOFT_THEN_FORCE"],
]);

/** The words that `strategy` takes. */
export const STRATEGY_WORDS = [...STRATEGIES.keys()].join(", ");

/** No strategy has this name, so that the request is refused together with all else that is wrong with it. */
const UNKNOWN_STRATEGY = "unknown";

/** The request that a body stands for. Throws a ConnectError that names every field of the wrong type. */
export function cancelRequestOf(processId: string, body: JsonValue): CancelProcessRequest {
  const method = CancellationService.method.cancelProcess;
  // No body is a body without the required fields.
  if (body === null) return requestOfJson(method, { process_id: processId });
  if (typeof body !== "object" || Array.isArray(body)) return requestOfJson(method, body);
  const { reason = null, requested_by = null, strategy = null, force_after_seconds = null } = body;
  return requestOfJson(method, {
    process_id: processId,
    reason,
    requested_by,
    strategy: strategy === null ? null : (STRATEGIES.get(strategy) ?? UNKNOWN_STRATEGY),
    force_after_seconds,
  });
}

/** UNSPECIFIED is never sent. */
const CANCEL_STATUSES: Readonly<Record<CancelProcessStatus, string>> = {
  [CancelProcessStatus.UNSPECIFIED]: "",
  [CancelProcessStatus.CANCEL_REQUESTED]: "cancel_requested",
  [CancelProcessStatus.IGNORED_TERMINAL]: "ignored_terminal",
};

/** UNSPECIFIED is never sent. */
const TERMINATION_STATUSES: Readonly<Record<TerminationStatus, string>> = {
  [TerminationStatus.UNSPECIFIED]: "",
  [TerminationStatus.NOT_NEEDED]: "not_needed",
  [TerminationStatus.PENDING]: "pending",
  [TerminationStatus.ISSUED]: "issued",
  [TerminationStatus.FAILED]: "failed",
};

/** The documented answer. `process` has two fields only; the rest is for whoever reads the process again. */
export function cancelAnswerJson(response: CancelProcessResponse) {
  const { activeTarget, termination, process } = response;
  const processId = process?.execution?.ref?.id ?? "";
  return {
    status: CANCEL_STATUSES[response.status] ?? "",
    cancelled_queue_item_ids: response.cancelledQueueItemIds,
    active_queue_item_ids: response.activeQueueItemIds,
    active_target: {
      process_id: processId,
      phone_id: activeTarget?.phoneId ?? null,
      account_id: activeTarget?.accountId ?? null,
      queue_item_id: activeTarget?.queueItemId ?? null,
      capability_request_id: activeTarget?.capabilityRequestId ?? null,
    },
    termination: {
      process_id: processId,
      status: TERMINATION_STATUSES[termination?.status ?? TerminationStatus.UNSPECIFIED] ?? "",
      terminate_issued: termination?.terminateIssued ?? false,
      container: termination?.container ?? null,
    },
    process: { process_id: processId, status: processStatusOf(process) },
  };
}
