import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("command")
    .addColumn("flag_raised", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
}

/** Commands remember whether the cancellation flag was raised, so that a replay answers the same. */
export const cancellationFlag: Migration = { up };
