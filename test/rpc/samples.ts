/** Executions and cancellations to convert. */
import type { Cancellation } from "../../src/domain/cancellation.ts";
import type { Execution, ExecutionSpec, Kind, Lease } from "../../src/domain/execution.ts";
import type { StoredEvent } from "../../src/service/service.ts";
import { specWith } from "../domain/executions.ts";

export const NOON = Date.UTC(2026, 0, 31, 12);

export const SPEC: ExecutionSpec = specWith();

export const LEASE: Lease = { workerId: "w-1", token: 3, expiresAt: NOON + 15_000, duration: 15_000, expired: false };

export const CANCELLATION: Cancellation = {
  id: "c-1",
  strategy: "soft_then_force",
  forceAfter: 10_000,
  reason: "wrong phone",
  requestedBy: { system: "bot", user: "ada", metadata: { ticket: [1, { deep: null }] } },
  requestedAt: NOON,
  parentCancellationId: null,
  stage: "stopping",
  outcome: "pending",
  proof: "pending",
  termination: "pending",
  stopDelivered: false,
  forceAt: NOON + 10_000,
  listenerJob: null,
  incidentAt: null,
  overdueReason: null,
  failure: null,
  endedAt: null,
};

/** A cancellation that has ended as it should. */
export const ENDED: Cancellation = {
  ...CANCELLATION,
  stage: "ended",
  outcome: "cancelled",
  proof: "confirmed",
  termination: "not_needed",
  endedAt: NOON + 2_000,
};

export const EVENT: StoredEvent = {
  sequence: 7,
  key: { tenant: "default", kind: "process", id: "p-1" },
  cancellationId: "c-1",
  type: "cancellation_requested",
  at: NOON,
  attributes: { strategy: "soft_then_force", reason: "wrong phone" },
};

/** A running execution, unless told otherwise. */
export function executionOf(kind: Kind, change: Partial<Execution> = {}): Execution {
  return {
    key: { tenant: "default", kind, id: kind === "process_instance" ? "4503599627370497" : "p-1" },
    spec: SPEC,
    state: "running",
    token: 3,
    lease: LEASE,
    queueItems: [],
    result: null,
    error: null,
    outcomeId: null,
    cancellation: null,
    createdAt: NOON - 60_000,
    startedAt: NOON - 30_000,
    endedAt: null,
    ...change,
  };
}
