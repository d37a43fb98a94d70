import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  await db.schema
    .createTable("execution")
    .addColumn("rid", integer, (column) => dialect.rowNumber(column, false))
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("live", integer, (column) => column.notNull())
    .addColumn("parent_rid", integer, (column) => column.references("execution.rid"))
    .addColumn("workflow_id", "text")
    .addColumn("spec_json", "text", (column) => column.notNull())
    .addColumn("token", integer, (column) => column.notNull())
    .addColumn("worker_id", "text")
    .addColumn("lease_token", integer)
    .addColumn("lease_expires_at", integer)
    .addColumn("lease_duration", integer)
    .addColumn("lease_expired", integer)
    .addColumn("has_queue_items", integer, (column) => column.notNull())
    .addColumn("ending_json", "text")
    .addColumn("cancellation_json", "text")
    .addColumn("cancellation_id", "text")
    .addColumn("cancellation_outcome", "text")
    .addColumn("cancellation_requested_at", integer)
    .addColumn("cancellation_overdue", integer)
    .addColumn("created_at", integer, (column) => column.notNull())
    .addColumn("started_at", integer)
    .addColumn("ended_at", integer)
    .modifyEnd(dialect.numbered)
    .execute();
  await db.schema.createIndex("execution_by_id").on("execution").columns(["tenant", "kind", "id"]).unique().execute();
  await db.schema
    .createIndex("execution_by_time")
    .on("execution")
    .columns(["tenant", "kind", "created_at", "rid"])
    .execute();
  await db.schema
    .createIndex("execution_by_state")
    .on("execution")
    .columns(["tenant", "kind", "state", "created_at", "rid"])
    .execute();
  await db.schema
    .createIndex("execution_by_parent")
    .on("execution")
    .columns(["parent_rid", "live", "rid"])
    .where(sql.ref("parent_rid"), "is not", null)
    .execute();
  await db.schema
    .createIndex("execution_by_worker")
    .on("execution")
    .columns(["tenant", "worker_id"])
    .where(sql.ref("live"), "=", sql.lit(1))
    .where(sql.ref("worker_id"), "is not", null)
    .execute();
  await db.schema
    .createIndex("execution_by_workflow")
    .on("execution")
    .columns(["tenant", "workflow_id", "created_at", "rid"])
    .where(sql.ref("workflow_id"), "is not", null)
    .execute();
  await db.schema
    .createIndex("execution_by_cancellation")
    .on("execution")
    .column("cancellation_id")
    .unique()
    .where(sql.ref("cancellation_id"), "is not", null)
    .execute();
  await db.schema
    .createIndex("execution_by_cancellation_time")
    .on("execution")
    .columns(["tenant", "cancellation_requested_at", "rid"])
    .where(sql.ref("cancellation_requested_at"), "is not", null)
    .execute();

  await db.schema
    .createTable("label")
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addPrimaryKeyConstraint("label_key", ["name", "value", "execution_rid"])
    .modifyEnd(dialect.keyed)
    .execute();

  await db.schema
    .createTable("work_item")
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addColumn("position", integer, (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("work_item_key", ["execution_rid", "position"])
    .modifyEnd(dialect.keyed)
    .execute();

  await db.schema
    .createTable("listener_job")
    .addColumn("execution_rid", integer, (column) => column.primaryKey().references("execution.rid"))
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("available_at", integer, (column) => column.notNull())
    .modifyEnd(dialect.numbered)
    .execute();
  await db.schema
    .createIndex("listener_job_by_type")
    .on("listener_job")
    .columns(["tenant", "type", "available_at"])
    .execute();

  await db.schema
    .createTable("event")
    .addColumn("sequence", integer, (column) => dialect.rowNumber(column, true))
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addColumn("cancellation_id", "text")
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("at", integer, (column) => column.notNull())
    .addColumn("attributes_json", "text", (column) => column.notNull())
    .modifyEnd(dialect.numbered)
    .execute();
  await db.schema.createIndex("event_by_execution").on("event").columns(["execution_rid", "sequence"]).execute();

  await db.schema
    .createTable("effect")
    .addColumn("id", integer, (column) => dialect.rowNumber(column, true))
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addColumn("due_at", integer, (column) => column.notNull())
    .addColumn("claimed", integer, (column) => column.notNull())
    .addColumn("attempts", integer, (column) => column.notNull())
    .addColumn("effect_json", "text", (column) => column.notNull())
    .modifyEnd(dialect.numbered)
    .execute();
  await db.schema.createIndex("effect_by_time").on("effect").column("due_at").execute();

  await db.schema
    .createTable("command")
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addColumn("principal", "text", (column) => column.notNull())
    .addColumn("method", "text", (column) => column.notNull())
    .addColumn("command_id", "text", (column) => column.notNull())
    .addColumn("fingerprint", "text", (column) => column.notNull())
    .addColumn("disposition", "text", (column) => column.notNull())
    .addColumn("answered", integer, (column) => column.notNull())
    .addColumn("execution_json", "text", (column) => column.notNull())
    .addColumn("last_sequence", integer, (column) => column.notNull())
    .addColumn("created_at", integer, (column) => column.notNull())
    .addPrimaryKeyConstraint("command_key", ["execution_rid", "principal", "method", "command_id"])
    .modifyEnd(dialect.keyed)
    .execute();
}

/** The first tables of the store. */
export const firstTables = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
