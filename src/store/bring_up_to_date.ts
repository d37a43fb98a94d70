/** Migrates a database that no store of this process is open on, for its operator. */
import { existsSync } from "node:fs";
import { type DatabasePlace, operate } from "./inspection/open.ts";
import { MIGRATION_NAMES, migrate, migrationStatus } from "./migrate.ts";
import { POSTGRES_SCHEMA } from "./migrations/dialect.ts";
import { openSqliteStore } from "./sqlite/open.ts";

/** The migrations that the database has not seen. Rejects with a StoreOpenError if it can't be read, or is newer than this program. */
export async function pendingMigrations(place: DatabasePlace): Promise<readonly string[]> {
  if (place.type === "sqlite" && !existsSync(place.path)) return MIGRATION_NAMES;
  return operate(place, async ({ db }) => {
    const { pending, unknown } = await migrationStatus(db);
    if (unknown.length === 0) return pending;
    throw new Error(`it is newer than this program, which does not know ${unknown.join(", ")}: take a newer Belay`);
  });
}

/** Runs them, and resolves with their names. Rejects with a StoreOpenError if one fails, or a server has the file open. */
export async function bringUpToDate(place: DatabasePlace): Promise<readonly string[]> {
  const pending = await pendingMigrations(place);
  if (pending.length === 0) return pending;
  if (place.type === "postgres") await operate(place, ({ db }) => migrate(db, POSTGRES_SCHEMA));
  else await (await openSqliteStore(place.path)).close();
  return pending;
}
