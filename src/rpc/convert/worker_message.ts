/** What workers are told: orders to stop, answers to heartbeats, listener jobs. */
import { create } from "@bufbuild/protobuf";
import type { Cancellation as CancellationMessage } from "../../../gen/belay/v1/cancellation_pb.ts";
import {
  type AttachResponse,
  AttachResponseSchema,
  type LeaseAnswer as LeaseAnswerMessage,
  LeaseAnswerSchema,
  type ListenerJob,
  ListenerJobSchema,
  type StopOrder as StopOrderMessage,
  StopOrderSchema,
} from "../../../gen/belay/v1/worker_service_pb.ts";
import type { Execution, ExecutionKey } from "../../domain/execution.ts";
import type { CancelledExecution, LeaseAnswer, StopOrder, WorkerMessage } from "../../service/service.ts";
import { cancellationMessage } from "./cancellation.ts";
import { SIGNAL_MESSAGES } from "./enums.ts";
import { refMessage } from "./execution_ref.ts";
import { timestampMessage } from "./time.ts";

export function attachResponse(message: WorkerMessage): AttachResponse {
  switch (message.type) {
    case "attached":
      return create(AttachResponseSchema, { message: { case: "attached", value: {} } });
    case "stop_order":
      return create(AttachResponseSchema, { message: { case: "stopOrder", value: stopOrderMessage(message.order) } });
  }
}

function stopOrderMessage({ execution, token, signal }: StopOrder): StopOrderMessage {
  return create(StopOrderSchema, {
    execution: refMessage(execution.key),
    token: BigInt(token),
    signal: SIGNAL_MESSAGES[signal],
    cancellation: cancellationOfLease(execution, token),
  });
}

/** @param lease the lease that was asked about */
export function leaseAnswerMessage(
  { execution, signal }: LeaseAnswer,
  lease: { readonly key: ExecutionKey; readonly token: number },
): LeaseAnswerMessage {
  const hasLease = signal !== "lease_lost" && execution !== null && execution.lease !== null;
  const isStopped = signal !== "none" && execution !== null;
  return create(LeaseAnswerSchema, {
    execution: refMessage(lease.key),
    expireTime: hasLease ? timestampMessage(execution.lease.expiresAt) : undefined,
    signal: SIGNAL_MESSAGES[signal],
    cancellation: isStopped ? cancellationOfLease(execution, lease.token) : undefined,
  });
}

/** The cancellation that ended this lease; unset if the work was handed on to another one. */
function cancellationOfLease(execution: Execution, token: number): CancellationMessage | undefined {
  const { state, lease, cancellation } = execution;
  const isStopped = state === "cancelling" || state === "cancelled";
  if (!isStopped || cancellation === null || lease?.token !== token) return undefined;
  return cancellationMessage({ execution, cancellation });
}

export function listenerJobMessage({ execution, cancellation }: CancelledExecution): ListenerJob {
  const { listenerJob: job } = cancellation;
  if (job === null) throw new Error(`cancellation ${cancellation.id} was activated without a listener job`);
  return create(ListenerJobSchema, {
    key: job.key,
    type: job.type,
    activation: BigInt(job.activation),
    retries: job.retries,
    lockExpireTime: timestampMessage(job.availableAt),
    execution: refMessage(execution.key),
    cancellation: cancellationMessage({ execution, cancellation }),
  });
}
