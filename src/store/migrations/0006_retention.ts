import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  // Without these, each execution that is removed costs a look at every row that might still refer to it.
  await db.schema.createIndex("label_by_execution").on("label").column("execution_rid").execute();
  await db.schema.createIndex("effect_by_execution").on("effect").column("execution_rid").execute();
  await db.schema.createIndex("batch_item_by_execution").on("batch_item").column("execution_rid").execute();

  await db.schema
    .createTable("audit_anchor")
    .addColumn("tenant", "text", (column) => column.primaryKey())
    .addColumn("number", integer, (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("removed_at", integer, (column) => column.notNull())
    .modifyEnd(dialect.keyed)
    .execute();
  if (dialect.name === "postgres") await protectByStatement(db);
}

/** PostgreSQL deletes the rows of one statement in any order, so that only the whole statement can be judged. */
async function protectByStatement(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger audit_event_goes_oldest_first on audit_event`.execute(db);
  await sql`
    create or replace function audit_event_goes_oldest_first() returns trigger language plpgsql as $$
    begin
      if exists (
        select 1 from (select tenant, max(number) as number from gone group by tenant) as last
        where exists (
          select 1 from audit_event where audit_event.tenant = last.tenant and audit_event.number < last.number
        )
      ) then
        raise exception 'the audit log loses its oldest events first';
      end if;
      return null;
    end $$
  `.execute(db);
  await sql`
    create trigger audit_event_goes_oldest_first after delete on audit_event
    referencing old table as gone
    for each statement execute function audit_event_goes_oldest_first()
  `.execute(db);
}

/** What is needed to remove old rows: indexes that find what belongs to an execution, and where the audit logs begin since then. */
export const retention = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
