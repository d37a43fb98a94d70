/** Appends to the audit log. The heads of the logs are locked, in the order of the tenants, until the transaction ends. */
import { sql, type Transaction } from "kysely";
import type { Millis } from "../../domain/time.ts";
import { type AuditEntry, type AuditHead, chain, EMPTY_LOG } from "../audit.ts";
import { type AuditRow, auditRowOf } from "../audit_rows.ts";
import type { AuditHeadTable, Schema } from "../schema.ts";
import { type ColumnTypes, namesOf, tableOf } from "./columns.ts";

const AUDIT_COLUMNS: ColumnTypes<AuditRow> = {
  tenant: "text",
  number: "bigint",
  at: "bigint",
  action: "text",
  principal: "text",
  name: "text",
  address: "text",
  requested_by: "text",
  kind: "text",
  execution_id: "text",
  reason: "text",
  outcome: "text",
  message: "text",
  cancellation_id: "text",
  request_id: "text",
  count: "bigint",
  previous_hash: "text",
  hash: "text",
};

const HEAD_COLUMNS: ColumnTypes<AuditHeadTable> = { tenant: "text", number: "bigint", hash: "text" };

export async function appendAudit(db: Transaction<Schema>, entries: readonly AuditEntry[], now: Millis): Promise<void> {
  if (entries.length === 0) return;
  const heads = await lockHeads(db, [...new Set(entries.map(({ tenant }) => tenant))].sort());
  const rows = entries.map((entry) => {
    const event = chain(entry, heads.get(entry.tenant) ?? EMPTY_LOG, now);
    heads.set(entry.tenant, { number: event.number, hash: event.hash });
    return auditRowOf(event);
  });
  const moved = Array.from(heads, ([tenant, { number, hash }]): AuditHeadTable => ({ tenant, number, hash }));
  const names = namesOf(AUDIT_COLUMNS);
  await sql`
    with moved as (
      update audit_head set number = head.number, hash = head.hash
      from ${tableOf("head", HEAD_COLUMNS, moved)}
      where audit_head.tenant = head.tenant
    )
    insert into audit_event (${names}) select ${names} from ${tableOf("added", AUDIT_COLUMNS, rows)}
  `.execute(db);
}

/** The update that changes nothing takes the lock, and shows what the one before has left. */
async function lockHeads(db: Transaction<Schema>, tenants: readonly string[]): Promise<Map<string, AuditHead>> {
  const { rows } = await sql<AuditHeadTable>`
    insert into audit_head (tenant, number, hash)
    select tenant, 0, '' from unnest(${tenants}::text[]) as asked(tenant) order by tenant
    on conflict (tenant) do update set tenant = excluded.tenant
    returning tenant, number, hash
  `.execute(db);
  return new Map(rows.map(({ tenant, number, hash }) => [tenant, { number, hash }]));
}
