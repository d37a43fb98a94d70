/** The main job, the same through every client: a worker runs a process, it is cancelled, and its stop is proven. */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "vitest";

/** Calls a unary RPC by its name. Request and answer are protobuf JSON, whatever the client makes of it on the wire. */
export type Call = (rpc: string, request: JsonObject) => Promise<unknown>;

export async function cancelAndProve(call: Call): Promise<void> {
  const processId = randomUUID();
  const workerId = `worker-of-${processId}`;
  const execution = { kind: "KIND_PROCESS", id: processId };

  const registered = await call("RegisterExecution", {
    ...execution,
    labels: { team: "data" },
    queueItems: [{ id: "item-1", state: "QUEUE_ITEM_STATE_EXECUTING" }, { id: "item-2" }],
    claim: { workerId },
  });
  expect(registered).toMatchObject({
    execution: { ref: execution, state: "EXECUTION_STATE_RUNNING", labels: { team: "data" }, workerId },
    lease: { token: "1", leaseSeconds: 15 },
  });

  const cancelled = await call("CancelProcess", {
    processId,
    reason: "wrong input",
    strategy: "STRATEGY_SOFT",
    requestedBy: { system: "e2e", user: "ada" },
  });
  expect(cancelled).toMatchObject({
    status: "CANCEL_PROCESS_STATUS_CANCEL_REQUESTED",
    cancelledQueueItemIds: ["item-2"],
    activeQueueItemIds: ["item-1"],
    termination: { processId, status: "TERMINATION_STATUS_NOT_NEEDED" },
    process: { status: "PROCESS_STATUS_CANCELLED" },
    cancellation: {
      execution,
      strategy: "STRATEGY_SOFT",
      reason: "wrong input",
      requestedBy: { system: "e2e", user: "ada" },
      stage: "CANCELLATION_STAGE_STOPPING",
      outcome: "CANCELLATION_OUTCOME_PENDING",
      stopProof: "STOP_PROOF_PENDING",
    },
  });

  const beaten = await call("Heartbeat", { workerId, leases: [{ execution, token: "1" }] });
  expect(beaten).toMatchObject({ leases: [{ execution, signal: "STOP_SIGNAL_STOP" }] });

  await call("ReportStopped", { execution, token: "1", evidence: "exit code 143" });

  const shown = await call("GetCancellation", { cancellationId: cancellationIdOf(cancelled) });
  expect(shown).toMatchObject({
    cancellation: {
      stage: "CANCELLATION_STAGE_ENDED",
      outcome: "CANCELLATION_OUTCOME_CANCELLED",
      stopProof: "STOP_PROOF_CONFIRMED",
    },
  });
  expect(eventTypesOf(shown)).toEqual([
    "EVENT_TYPE_CANCELLATION_REQUESTED",
    "EVENT_TYPE_QUEUE_ITEMS_CANCELLED",
    "EVENT_TYPE_STOP_REQUESTED",
    "EVENT_TYPE_STOP_DELIVERED",
    "EVENT_TYPE_STOP_CONFIRMED",
    "EVENT_TYPE_CANCELLATION_ENDED",
  ]);
}

function cancellationIdOf(answer: unknown): string {
  const { cancellation } = answer as { cancellation: { id: string } };
  return cancellation.id;
}

/** Without the note that the worker, which only sends heartbeats, had no stream: whether it comes first is a race. */
function eventTypesOf(answer: unknown): string[] {
  const { cancellation } = answer as { cancellation: { timeline: { type: string }[] } };
  return cancellation.timeline.map(({ type }) => type).filter((type) => type !== "EVENT_TYPE_ENGINE_UNREACHABLE");
}
