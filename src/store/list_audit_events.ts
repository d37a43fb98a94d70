/** Reads the audit log. The same over every database. */
import type { Kysely } from "kysely";
import type { AuditAnchor, AuditFilter, AuditPage } from "./audit.ts";
import { auditEventOf } from "./audit_rows.ts";
import type { Schema } from "./schema.ts";

/** How many events one page may look at: a filter that fits few of them must not keep the database for long. */
const MAX_SEARCHED = 10_000;

/** Oldest first, from the event after `afterNumber`. */
export async function listAuditEvents(
  db: Kysely<Schema>,
  tenant: string,
  filter: AuditFilter,
  afterNumber: number,
  limit: number,
): Promise<AuditPage> {
  const log = db.selectFrom("audit_event").where("tenant", "=", tenant);
  const { first, last } = await log
    .select((eb) => [eb.fn.min<number | null>("number").as("first"), eb.fn.max<number | null>("number").as("last")])
    .executeTakeFirstOrThrow();
  if (first === null || last === null || afterNumber >= last) {
    return { events: [], lastNumber: afterNumber, hasMore: false, removed: await findAnchor(db, tenant) };
  }
  const begin = Math.max(afterNumber, first - 1);
  const end = Math.min(begin + MAX_SEARCHED, last);
  let query = log.selectAll().where("number", ">", begin).where("number", "<=", end);
  const { execution, principal, from, to, refusedOnly } = filter;
  if (execution !== null) query = query.where("kind", "=", execution.kind).where("execution_id", "=", execution.id);
  if (principal !== "") query = query.where("principal", "=", principal);
  if (from !== null) query = query.where("at", ">=", from);
  if (to !== null) query = query.where("at", "<", to);
  if (refusedOnly) query = query.where("message", "!=", "");
  const rows = await query.orderBy("number").limit(limit).execute();
  const lastNumber = rows.length < limit ? end : (rows.at(-1)?.number ?? end);
  // After the events: what is removed meanwhile is named too, so that a page never begins later than this says.
  const removed = await findAnchor(db, tenant);
  return { events: rows.map(auditEventOf), lastNumber, hasMore: lastNumber < last, removed };
}

async function findAnchor(db: Kysely<Schema>, tenant: string): Promise<AuditAnchor | null> {
  const row = await db.selectFrom("audit_anchor").selectAll().where("tenant", "=", tenant).executeTakeFirst();
  return row === undefined ? null : { number: row.number, hash: row.hash, removedAt: row.removed_at };
}
