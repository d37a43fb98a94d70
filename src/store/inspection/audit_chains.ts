/** Looks at the audit logs: is each chain whole, from where retention says that it begins to its end? */
import type { Kysely } from "kysely";
import { type AuditHead, chain, EMPTY_LOG } from "../audit.ts";
import { auditEventOf } from "../audit_rows.ts";
import type { AuditAnchorTable, Schema } from "../schema.ts";
import { type Check, Tally } from "./finding.ts";

const PAGE = 1_000;

/** @param keepsHeads true where the ends of the logs stand in a table of their own */
export async function inspectAuditChains(db: Kysely<Schema>, keepsHeads: boolean): Promise<Check> {
  const tally = new Tally("audit logs", "each event is as it was written, and follows the one before");
  const anchors = await db.selectFrom("audit_anchor").selectAll().execute();
  const anchorOf = new Map(anchors.map((anchor) => [anchor.tenant, anchor]));
  const heads = keepsHeads ? await db.selectFrom("audit_head").selectAll().execute() : [];
  const headOf = new Map(heads.map((head) => [head.tenant, head]));
  for (const tenant of await tenantsOf(db, [...anchorOf.keys(), ...headOf.keys()])) {
    const end = await walk(db, tenant, anchorOf.get(tenant), tally);
    const head = headOf.get(tenant);
    if (end !== null && keepsHeads && (head?.number !== end.number || head.hash !== end.hash)) {
      tally.find(
        `the audit log of tenant ${tenant}`,
        `it ends with event ${end.number} and should end with event ${head?.number ?? "0"}`,
      );
    }
  }
  return tally.check;
}

async function tenantsOf(db: Kysely<Schema>, known: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom("audit_event").select("tenant").distinct().execute();
  return [...new Set([...rows.map(({ tenant }) => tenant), ...known])].sort();
}

/** Follows one log to its end; null if something does not fit before: what comes after can't be judged then. */
async function walk(
  db: Kysely<Schema>,
  tenant: string,
  anchor: AuditAnchorTable | undefined,
  tally: Tally,
): Promise<AuditHead | null> {
  const begin: AuditHead = anchor ?? EMPTY_LOG;
  let last = begin;
  for (;;) {
    const rows = await db
      .selectFrom("audit_event")
      .selectAll()
      .where("tenant", "=", tenant)
      .where("number", ">", last === begin ? 0 : last.number)
      .orderBy("number")
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      tally.look();
      const event = auditEventOf(row);
      const what = faultOf(event, last, last === begin);
      if (what !== null) {
        tally.find(`event ${event.number} of the audit log of tenant ${tenant}`, what);
        return null;
      }
      last = { number: event.number, hash: event.hash };
    }
    if (rows.length < PAGE) break;
  }
  if (last === begin && begin.number > 0) {
    // Retention never removes the last event.
    tally.find(`the audit log of tenant ${tenant}`, `no event is left after event ${begin.number}`);
    return null;
  }
  return last;
}

function faultOf(event: ReturnType<typeof auditEventOf>, last: AuditHead, isFirst: boolean): string | null {
  if (event.number !== last.number + 1) {
    if (!isFirst) return `it stands after event ${last.number}: those between them are gone`;
    const removed =
      last.number === 0 ? "retention has removed none" : `retention has removed those up to ${last.number}`;
    return `it is the first one, and ${removed}`;
  }
  if (event.previousHash !== last.hash) return "its previous hash is not the hash of the event before";
  const { hash } = chain(event, last, event.at);
  return hash === event.hash ? null : "its hash is not that of its content: the one or the other was changed";
}
