/** Brings a database up to the newest schema. */
import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import { firstTables } from "./migrations/0001_first_tables.ts";
import { batchOperations } from "./migrations/0002_batch_operations.ts";
import { cancellationFlag } from "./migrations/0003_cancellation_flag.ts";
import { keysAndAudit } from "./migrations/0004_keys_and_audit.ts";
import { idempotency } from "./migrations/0005_idempotency.ts";
import { retention } from "./migrations/0006_retention.ts";
import { shortRows } from "./migrations/0007_short_rows.ts";
import type { SchemaDialect } from "./migrations/dialect.ts";

/** All migrations, by name; they run in the order of their names. A released one is never edited. */
const MIGRATIONS: Readonly<Record<string, (dialect: SchemaDialect) => Migration>> = {
  "0001_first_tables": firstTables,
  "0002_batch_operations": batchOperations,
  "0003_cancellation_flag": cancellationFlag,
  "0004_keys_and_audit": keysAndAudit,
  "0005_idempotency": idempotency,
  "0006_retention": retention,
  "0007_short_rows": shortRows,
};

/** In the order in which they run. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

/** Runs the migrations that the database has not seen. Throws if one fails, or if the database is newer than this program. */
export async function migrate<T>(db: Kysely<T>, dialect: SchemaDialect): Promise<void> {
  const { unknown } = await migrationStatus(db);
  if (unknown.length > 0) {
    throw new Error(`it is newer than this program, which does not know ${unknown.join(", ")}: start a newer Belay`);
  }
  const migrations = Object.fromEntries(Object.entries(MIGRATIONS).map(([name, of]) => [name, of(dialect)]));
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === "Error");
  const what = failed === undefined ? "the database can't be migrated" : `migration ${failed.migrationName} failed`;
  throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** How far a database is behind this program, or before it. */
export interface MigrationStatus {
  /** In the order in which they are to run. */
  readonly pending: readonly string[];
  /** Those that the database has seen and this program has not. */
  readonly unknown: readonly string[];
}

export async function migrationStatus<T>(db: Kysely<T>): Promise<MigrationStatus> {
  const seen = await seenMigrations(db);
  return {
    pending: MIGRATION_NAMES.filter((name) => !seen.includes(name)),
    unknown: seen.filter((name) => MIGRATIONS[name] === undefined),
  };
}

async function seenMigrations<T>(db: Kysely<T>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)) return [];
  const { rows } = await sql<{ readonly name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(
    db,
  );
  return rows.map(({ name }) => name);
}
