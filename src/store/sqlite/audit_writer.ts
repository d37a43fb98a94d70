/** Appends to the audit log. Only within a transaction of the writing connection: the event's number and hash follow from the last one. */
import type { Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Kind } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { type AuditEntry, type AuditHead, chain, EMPTY_LOG } from "../audit.ts";
import { type AuditRow, auditRowOf } from "../audit_rows.ts";
import type { Schema } from "../schema.ts";
import { type Prepared, parameter, prepare } from "./prepare.ts";

export class AuditWriter {
  readonly #findHead: Prepared<{ tenant: string }, AuditHead>;
  readonly #insert: Prepared<AuditRow, never>;
  /** The ends of the logs that were written to. */
  readonly #heads = new Map<string, AuditHead>();

  constructor(database: Database, db: Kysely<Schema>) {
    this.#findHead = prepare<{ tenant: string }, AuditHead>(
      database,
      db
        .selectFrom("audit_event")
        .select(["number", "hash"])
        .where("tenant", "=", parameter<string>("tenant"))
        .orderBy("number", "desc")
        .limit(1),
    );
    this.#insert = prepare<AuditRow, never>(
      database,
      db.insertInto("audit_event").values({
        tenant: parameter("tenant"),
        number: parameter("number"),
        at: parameter("at"),
        action: parameter("action"),
        principal: parameter("principal"),
        name: parameter("name"),
        address: parameter("address"),
        requested_by: parameter("requested_by"),
        kind: parameter<Kind | null>("kind"),
        execution_id: parameter("execution_id"),
        reason: parameter("reason"),
        outcome: parameter("outcome"),
        message: parameter("message"),
        cancellation_id: parameter("cancellation_id"),
        request_id: parameter("request_id"),
        count: parameter("count"),
        previous_hash: parameter("previous_hash"),
        hash: parameter("hash"),
      }),
    );
  }

  append(entry: AuditEntry, now: Millis): void {
    const { tenant } = entry;
    const event = chain(entry, this.#headOf(tenant), now);
    this.#insert.run(auditRowOf(event));
    this.#heads.set(tenant, { number: event.number, hash: event.hash });
  }

  /** To be called when a transaction was rolled back: what it appended is not there. */
  forget(): void {
    this.#heads.clear();
  }

  #headOf(tenant: string): AuditHead {
    return this.#heads.get(tenant) ?? this.#findHead.get({ tenant }) ?? EMPTY_LOG;
  }
}
