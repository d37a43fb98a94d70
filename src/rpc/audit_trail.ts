/** Who asks, for the audit log: set where a request becomes a use case, and looked at where a call has failed. */
import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Caller } from "../gate/identity.ts";
import type { AuditCall, AuditTrail } from "../service/service.ts";
import { callerOf } from "./caller.ts";

const auditTrailKey: ContextKey<AuditTrail | null> = createContextKey<AuditTrail | null>(null, {
  description: "the audit trail",
});

/** The context of a call, as its handler sees it. */
interface CallContext {
  readonly values: ContextValues;
  readonly requestHeader: Headers;
}

function auditCallOf(action: string, caller: Caller, header: Headers): AuditCall {
  const { principal, name, address } = caller;
  return { action, principal, name, address, requestId: header.get("x-request-id") ?? "" };
}

/** The trail of the call, begun here. */
export function beginAuditTrail(action: string, { values, requestHeader }: CallContext): AuditTrail {
  const trail = { call: auditCallOf(action, callerOf({ values }), requestHeader), isRecorded: false };
  values.set(auditTrailKey, trail);
  return trail;
}

/** True if the audit log has what was decided. */
export function isRecorded(values: ContextValues): boolean {
  return values.get(auditTrailKey)?.isRecorded ?? false;
}
