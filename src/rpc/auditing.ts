/** Sees to it that every refused cancel is in the audit log. What was decided is there already: the store writes it with the decision. */
import { type DescMessage, type DescMethod, isMessage, type Message } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import {
  CancelAssessmentWorkflowRequestSchema,
  CancelProcessInstanceRequestSchema,
  CancelProcessRequestSchema,
  CancelWorkflowInstanceRequestSchema,
  CancelWorkflowRunRequestSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { RequestedBy as RequestedByMessage } from "../../gen/belay/v1/execution_ref_pb.ts";
import { CreateKeyRequestSchema, RevokeKeyRequestSchema } from "../../gen/belay/v1/key_service_pb.ts";
import { CancelProcessInstanceRequestSchema as GatewayRequestSchema } from "../../gen/gateway_protocol/gateway_pb.ts";
import type { ExecutionRef } from "../domain/execution.ts";
import { canonicalJson } from "../domain/json.ts";
import { isRecorded } from "./audit_trail.ts";
import { callerKey, peerKey } from "./caller.ts";
import { errorInfoReason } from "./errors.ts";
import { requestIdOf } from "./fault_log.ts";
import { type AuditSubject, type RefusalSink, recordRefusal } from "./refusal_entry.ts";

/** As long as the contract allows for the names in RequestedBy. */
const MAX_NAME = 255;

/** Around the interceptor that maps errors, so that it sees them as the caller does. */
export function auditRefusals(sink: RefusalSink): Interceptor {
  return (next) => (call) => (call.stream || !isAudited(call.method) ? next(call) : recordIfRefused(next, call, sink));
}

async function recordIfRefused(
  next: ReturnType<Interceptor>,
  call: UnaryRequest,
  sink: RefusalSink,
): ReturnType<ReturnType<Interceptor>> {
  try {
    return await next(call);
  } catch (cause) {
    const { contextValues } = call;
    const subject = subjectOf(call.message, call.method.name);
    if (subject !== null && !isRecorded(contextValues)) {
      const error = ConnectError.from(cause);
      const caller = contextValues.get(callerKey);
      const { address } = contextValues.get(peerKey);
      await recordRefusal(sink, {
        subject,
        // Behind the gate a caller has the address of its peer; the default has none.
        caller: caller.address === "" ? null : caller,
        address,
        requestId: requestIdOf(call),
        refusal: { code: error.code, reason: errorInfoReason(error), message: error.rawMessage },
      });
    }
    throw cause;
  }
}

const AUDITED: ReadonlySet<DescMessage> = new Set<DescMessage>([
  CancelProcessInstanceRequestSchema,
  CancelProcessRequestSchema,
  CancelWorkflowInstanceRequestSchema,
  CancelAssessmentWorkflowRequestSchema,
  CancelWorkflowRunRequestSchema,
  GatewayRequestSchema,
  CreateKeyRequestSchema,
  RevokeKeyRequestSchema,
]);

/** True if the audit log keeps the calls of the RPC. */
export function isAudited(method: DescMethod): boolean {
  return AUDITED.has(method.input);
}

/** What a call asks for, if the audit log keeps it; null if it does not. */
function subjectOf(message: Message, action: string): AuditSubject | null {
  const ref = (kind: ExecutionRef["kind"], id: string): ExecutionRef => ({ kind, id });
  if (isMessage(message, CancelProcessInstanceRequestSchema)) {
    return cancelSubject(action, ref("process_instance", message.processInstanceKey), message);
  }
  if (isMessage(message, CancelProcessRequestSchema)) {
    return cancelSubject(action, ref("process", message.processId), message);
  }
  if (isMessage(message, CancelWorkflowInstanceRequestSchema)) {
    return cancelSubject(action, ref("workflow_instance", message.instanceId), message);
  }
  if (isMessage(message, CancelAssessmentWorkflowRequestSchema)) {
    return cancelSubject(action, ref("assessment", message.assessmentId), message);
  }
  if (isMessage(message, CancelWorkflowRunRequestSchema)) {
    return cancelSubject(action, ref("workflow_run", message.runId), message);
  }
  if (isMessage(message, GatewayRequestSchema)) {
    return cancelSubject(action, ref("process_instance", message.processInstanceKey.toString()), { reason: "" });
  }
  if (isMessage(message, CreateKeyRequestSchema)) {
    return { action, execution: null, reason: message.scopes.join(", "), requestedBy: "" };
  }
  if (isMessage(message, RevokeKeyRequestSchema)) {
    return { action, execution: null, reason: `key ${message.keyId}`, requestedBy: "" };
  }
  return null;
}

function cancelSubject(
  action: string,
  execution: ExecutionRef,
  { reason, requestedBy }: { readonly reason: string; readonly requestedBy?: RequestedByMessage | undefined },
): AuditSubject {
  return { action, execution, reason, requestedBy: requestedByText(requestedBy) };
}

/** Without the metadata, which nobody has checked. */
function requestedByText(message: RequestedByMessage | undefined): string {
  if (message === undefined) return "";
  const { system, user } = message;
  return canonicalJson({ system: system.slice(0, MAX_NAME), user: user.slice(0, MAX_NAME) });
}
