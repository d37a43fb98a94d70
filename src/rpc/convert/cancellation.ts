/** Cancellations. */
import { create } from "@bufbuild/protobuf";
import {
  type Cancellation as CancellationMessage,
  CancellationSchema,
  type Incident,
  IncidentSchema,
} from "../../../gen/belay/v1/cancellation_pb.ts";
import type { Cancellation } from "../../domain/cancellation.ts";
import type { CancelledExecution, StoredEvent } from "../../service/service.ts";
import {
  OUTCOME_MESSAGES,
  STAGE_MESSAGES,
  STOP_PROOF_MESSAGES,
  STRATEGY_MESSAGES,
  TERMINATION_MESSAGES,
} from "./enums.ts";
import { refMessage } from "./execution_ref.ts";
import { requestedByMessage } from "./requested_by.ts";
import { secondsOfMillis, timestampMessage } from "./time.ts";
import { timelineEventMessage } from "./timeline_event.ts";

/** @param timeline left out where an execution shows its cancellation, and in lists */
export function cancellationMessage(
  { execution, cancellation }: CancelledExecution,
  timeline: readonly StoredEvent[] = [],
): CancellationMessage {
  const { strategy } = cancellation;
  return create(CancellationSchema, {
    id: cancellation.id,
    execution: refMessage(execution.key),
    strategy: STRATEGY_MESSAGES[strategy],
    forceAfterSeconds: strategy === "soft_then_force" ? secondsOfMillis(cancellation.forceAfter) : 0,
    reason: cancellation.reason,
    requestedBy: requestedByMessage(cancellation.requestedBy),
    stage: STAGE_MESSAGES[cancellation.stage],
    outcome: OUTCOME_MESSAGES[cancellation.outcome],
    stopProof: STOP_PROOF_MESSAGES[cancellation.proof],
    termination: TERMINATION_MESSAGES[cancellation.termination],
    incident: incidentMessage(cancellation),
    overdue: cancellation.overdueReason !== null,
    overdueReason: cancellation.overdueReason ?? "",
    failure: cancellation.failure ?? "",
    requestTime: timestampMessage(cancellation.requestedAt),
    forceTime: timestampMessage(cancellation.forceAt),
    endTime: timestampMessage(cancellation.endedAt),
    timeline: timeline.map(timelineEventMessage),
    parentCancellationId: cancellation.parentCancellationId ?? "",
  });
}

function incidentMessage({ incidentAt, listenerJob }: Cancellation): Incident | undefined {
  if (incidentAt === null || listenerJob === null) return undefined;
  const { key, type, message } = listenerJob;
  return create(IncidentSchema, { jobKey: key, listenerType: type, message, time: timestampMessage(incidentAt) });
}
