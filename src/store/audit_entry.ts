/** What the audit log keeps of a cancel that was decided. */
import type { Cancel } from "../domain/command.ts";
import type { Reply } from "../domain/decision.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import { canonicalJson } from "../domain/json.ts";
import type { AuditCall, AuditEntry } from "./audit.ts";

/** @param execution as it stands after the decision; null if it is not registered */
export function entryOfCancel(
  call: AuditCall,
  key: ExecutionKey,
  command: Cancel,
  decided: { readonly reply: Reply; readonly execution: Execution | null; readonly isReplay: boolean },
): AuditEntry {
  const { reply, execution, isReplay } = decided;
  return {
    ...call,
    tenant: key.tenant,
    requestedBy: requestedByText(command.requestedBy),
    execution: { kind: key.kind, id: key.id },
    reason: command.reason,
    ...(reply.accepted
      ? { outcome: isReplay ? "replayed" : reply.disposition, message: "" }
      : { outcome: reply.refusal.reason.toUpperCase(), message: reply.refusal.message }),
    cancellationId: execution?.cancellation?.id ?? "",
    count: 1,
  };
}

function requestedByText(requestedBy: Cancel["requestedBy"]): string {
  if (requestedBy === null) return "";
  const { system, user, metadata } = requestedBy;
  // Canonical member by member: this runs once a cancel.
  return `{"metadata":${canonicalJson(metadata)},"system":${JSON.stringify(system)},"user":${JSON.stringify(user)}}`;
}
