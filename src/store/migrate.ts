/** Brings a database up to the newest schema, one migration at a time, each in a transaction. */
import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { firstTables } from "./migrations/0001_first_tables.ts";
import { batchOperations } from "./migrations/0002_batch_operations.ts";
import { cancellationFlag } from "./migrations/0003_cancellation_flag.ts";

/** All migrations, by name; they run in the order of their names. A released one is never edited. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_first_tables": firstTables,
  "0002_batch_operations": batchOperations,
  "0003_cancellation_flag": cancellationFlag,
};

/** Runs the migrations that the database has not seen. Throws if one fails, or if the database is newer than this program. */
export async function migrate<T>(db: Kysely<T>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === "Error");
  const what = failed === undefined ? "the database can't be migrated" : `migration ${failed.migrationName} failed`;
  throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
