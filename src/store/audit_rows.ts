/** Between the rows of the audit log and its events. The same over every database. */
import type { AuditEvent } from "./audit.ts";
import type { AuditEventTable } from "./schema.ts";

/** Every column: interfaces can't be arguments of statements. */
export type AuditRow = { [Column in keyof AuditEventTable]: AuditEventTable[Column] };

export function auditRowOf(event: AuditEvent): AuditRow {
  return {
    tenant: event.tenant,
    number: event.number,
    at: event.at,
    action: event.action,
    principal: event.principal,
    name: event.name,
    address: event.address,
    requested_by: event.requestedBy,
    kind: event.execution?.kind ?? null,
    execution_id: event.execution?.id ?? null,
    reason: event.reason,
    outcome: event.outcome,
    message: event.message,
    cancellation_id: event.cancellationId,
    request_id: event.requestId,
    count: event.count,
    previous_hash: event.previousHash,
    hash: event.hash,
  };
}

export function auditEventOf(row: AuditRow): AuditEvent {
  const { kind, execution_id } = row;
  return {
    tenant: row.tenant,
    number: row.number,
    at: row.at,
    action: row.action,
    principal: row.principal,
    name: row.name,
    address: row.address,
    requestedBy: row.requested_by,
    execution: kind === null || execution_id === null ? null : { kind, id: execution_id },
    reason: row.reason,
    outcome: row.outcome,
    message: row.message,
    cancellationId: row.cancellation_id,
    requestId: row.request_id,
    count: row.count,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
