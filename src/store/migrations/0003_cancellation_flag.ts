import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { SchemaDialect } from "./dialect.ts";

async function up(db: Kysely<unknown>, dialect: SchemaDialect): Promise<void> {
  const { integer } = dialect;
  await db.schema
    .alterTable("command")
    .addColumn("flag_raised", integer, (column) => column.notNull().defaultTo(0))
    .execute();
}

/** Commands remember whether the cancellation flag was raised, so that a replay answers the same. */
export const cancellationFlag = (dialect: SchemaDialect): Migration => ({ up: (db) => up(db, dialect) });
