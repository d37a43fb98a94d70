/** What the executions of all kinds share. */
import { create } from "@bufbuild/protobuf";
import {
  type ExecutionError as ExecutionErrorMessage,
  ExecutionErrorSchema,
  type Execution as ExecutionMessage,
  ExecutionSchema,
} from "../../../gen/belay/v1/execution_pb.ts";
import type { Execution, ExecutionError } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { cancellationMessage } from "./cancellation.ts";
import { STATE_MESSAGES, STOP_PROOF_MESSAGES } from "./enums.ts";
import { optionalRefMessage, refMessage } from "./execution_ref.ts";
import { jsonObjectMessage, jsonObjectOf } from "./json.ts";
import { timestampMessage } from "./time.ts";

export function executionMessage(execution: Execution): ExecutionMessage {
  const { key, spec, cancellation, result, error } = execution;
  return create(ExecutionSchema, {
    ref: refMessage(key),
    state: STATE_MESSAGES[execution.state],
    stopProof: STOP_PROOF_MESSAGES[cancellation?.proof ?? "none"],
    engine: spec.engine,
    parent: optionalRefMessage(spec.parent),
    root: optionalRefMessage(spec.root),
    labels: { ...spec.labels },
    workerId: execution.lease?.workerId ?? "",
    leaseExpireTime: timestampMessage(leaseEndOf(execution)),
    listeners: spec.listeners.map(({ type, retries }) => ({ type, retries })),
    createTime: timestampMessage(execution.createdAt),
    startTime: timestampMessage(execution.startedAt),
    endTime: timestampMessage(execution.endedAt),
    result: result === null ? undefined : jsonObjectMessage(result),
    error: error === null ? undefined : executionErrorMessage(error),
    cancellation: cancellation === null ? undefined : cancellationMessage({ execution, cancellation }),
  });
}

/** When the lease ends; null without one. The record of a lease is kept after its end, but only work that may go on has a lease. */
function leaseEndOf({ lease, state, cancellation }: Execution): Millis | null {
  const mayGoOn = state === "running" || cancellation?.proof === "pending";
  return lease !== null && !lease.expired && mayGoOn ? lease.expiresAt : null;
}

function executionErrorMessage({ type, message, step, details }: ExecutionError): ExecutionErrorMessage {
  return create(ExecutionErrorSchema, { type, message, step, details: jsonObjectMessage(details) });
}

/** An error that was left out is an empty one. */
export function executionErrorOf(error: ExecutionErrorMessage | undefined): ExecutionError {
  if (error === undefined) return { type: "", message: "", step: "", details: {} };
  const { type, message, step, details } = error;
  return { type, message, step, details: jsonObjectOf(details, "error.details") };
}
