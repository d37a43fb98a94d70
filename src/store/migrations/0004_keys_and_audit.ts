import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  await db.schema
    .createTable("api_key")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("prefix", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull().unique())
    .addColumn("scopes_json", "text", (column) => column.notNull())
    .addColumn("allowed_addresses_json", "text", (column) => column.notNull())
    .addColumn("rate_limit_calls", integer)
    .addColumn("rate_limit_period", integer)
    .addColumn("created_at", integer, (column) => column.notNull())
    .addColumn("created_by", "text", (column) => column.notNull())
    .addColumn("expires_at", integer)
    .addColumn("revoked_at", integer)
    .modifyEnd(dialect.keyed)
    .execute();

  await db.schema
    .createTable("secret")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .modifyEnd(dialect.keyed)
    .execute();

  await db.schema
    .createTable("audit_event")
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("number", integer, (column) => column.notNull())
    .addColumn("at", integer, (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("principal", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("requested_by", "text", (column) => column.notNull())
    .addColumn("kind", "text")
    .addColumn("execution_id", "text")
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("outcome", "text", (column) => column.notNull())
    .addColumn("message", "text", (column) => column.notNull())
    .addColumn("cancellation_id", "text", (column) => column.notNull())
    .addColumn("request_id", "text", (column) => column.notNull())
    .addColumn("count", integer, (column) => column.notNull())
    .addColumn("previous_hash", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("audit_event_key", ["tenant", "number"])
    .modifyEnd(dialect.keyed)
    .execute();
  if (dialect.name === "sqlite") await protectInSqlite(db);
  else await protectInPostgres(db);
}

// Against mistakes. Against whoever may write to the database there is the chain.

async function protectInSqlite(db: Kysely<unknown>): Promise<void> {
  await sql`
    create trigger audit_event_stays before update on audit_event
    begin select raise(abort, 'the audit log is append-only'); end
  `.execute(db);
  // An "insert or replace" fires neither of the other two.
  await sql`
    create trigger audit_event_comes_last before insert on audit_event
    when exists (select 1 from audit_event where tenant = new.tenant and number >= new.number)
    begin select raise(abort, 'the audit log is append-only'); end
  `.execute(db);
  await sql`
    create trigger audit_event_goes_oldest_first before delete on audit_event
    when exists (select 1 from audit_event where tenant = old.tenant and number < old.number)
    begin select raise(abort, 'the audit log loses its oldest events first'); end
  `.execute(db);
}

async function protectInPostgres(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function audit_event_stays() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is append-only'; end $$
  `.execute(db);
  await sql`
    create trigger audit_event_stays before update on audit_event for each row execute function audit_event_stays()
  `.execute(db);
  await sql`
    create function audit_event_goes_oldest_first() returns trigger language plpgsql as $$
    begin
      if exists (select 1 from audit_event where tenant = old.tenant and number < old.number) then
        raise exception 'the audit log loses its oldest events first';
      end if;
      return old;
    end $$
  `.execute(db);
  await sql`
    create trigger audit_event_goes_oldest_first before delete on audit_event
    for each row execute function audit_event_goes_oldest_first()
  `.execute(db);
  // Locked by whoever appends: several replicas may.
  await db.schema
    .createTable("audit_head")
    .addColumn("tenant", "text", (column) => column.primaryKey())
    .addColumn("number", "bigint", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
}

/** Keys that are made while the server runs, and the audit log. */
export const keysAndAudit = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
