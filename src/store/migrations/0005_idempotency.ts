import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  await db.schema.alterTable("command").addColumn("minted_in", "text").execute();
  await db.schema
    .createIndex("command_by_minting")
    .on("command")
    .columns(["minted_in", "principal", "method", "command_id"])
    .unique()
    .where(sql.ref("minted_in"), "is not", null)
    .execute();
  await db.schema.createIndex("command_by_age").on("command").column("created_at").execute();

  await db.schema
    .createTable("batch_command")
    .addColumn("batch_rid", integer, (column) => column.notNull().references("batch_operation.rid"))
    .addColumn("principal", "text", (column) => column.notNull())
    .addColumn("method", "text", (column) => column.notNull())
    .addColumn("command_id", "text", (column) => column.notNull())
    .addColumn("created_at", integer, (column) => column.notNull())
    .addPrimaryKeyConstraint("batch_command_key", ["batch_rid", "principal", "method", "command_id"])
    .modifyEnd(dialect.keyed)
    .execute();
  await db.schema.createIndex("batch_command_by_age").on("batch_command").column("created_at").execute();
  await db.schema
    .createIndex("batch_operation_by_command_age")
    .on("batch_operation")
    .column("created_at")
    .where(sql.ref("command_id"), "is not", null)
    .execute();
}

/** Command ids for registrations whose id is minted and for the steering of batch operations; and indexes that find the old ones. */
export const idempotency = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
