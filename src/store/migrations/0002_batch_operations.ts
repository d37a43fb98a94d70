import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  await db.schema
    .createTable("batch_operation")
    .addColumn("rid", integer, (column) => dialect.rowNumber(column, false))
    .addColumn("tenant", "text", (column) => column.notNull())
    .addColumn("key", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("principal", "text", (column) => column.notNull())
    .addColumn("operation_reference", "text")
    .addColumn("command_id", "text")
    .addColumn("fingerprint", "text")
    .addColumn("created_at", integer, (column) => column.notNull())
    .addColumn("started_at", integer)
    .addColumn("ended_at", integer)
    .addColumn("claimed_at", integer, (column) => column.notNull())
    .modifyEnd(dialect.numbered)
    .execute();
  await db.schema
    .createIndex("batch_operation_by_key")
    .on("batch_operation")
    .columns(["tenant", "key"])
    .unique()
    .execute();
  await db.schema
    .createIndex("batch_operation_by_command")
    .on("batch_operation")
    .columns(["tenant", "principal", "command_id"])
    .unique()
    .where(sql.ref("command_id"), "is not", null)
    .execute();
  await db.schema
    .createIndex("batch_operation_by_turn")
    .on("batch_operation")
    .columns(["claimed_at", "rid"])
    .where(sql.ref("ended_at"), "is", null)
    .execute();

  await db.schema
    .createTable("batch_item")
    .addColumn("batch_rid", integer, (column) => column.notNull().references("batch_operation.rid"))
    .addColumn("execution_rid", integer, (column) => column.notNull().references("execution.rid"))
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("message", "text")
    .addColumn("processed_at", integer)
    .addPrimaryKeyConstraint("batch_item_key", ["batch_rid", "execution_rid"])
    .modifyEnd(dialect.keyed)
    .execute();
  await db.schema
    .createIndex("batch_item_by_state")
    .on("batch_item")
    .columns(["batch_rid", "state", "execution_rid"])
    .execute();
  await db.schema
    .createIndex("batch_item_active")
    .on("batch_item")
    .column("execution_rid")
    .where(sql.ref("state"), "=", sql.lit("active"))
    .execute();
}

/** Batch operations and their items. */
export const batchOperations = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
