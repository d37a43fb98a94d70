/** Opens a database without a store on it, for its operator: beside a server that runs, too. */
import { existsSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";
import { Kysely, PostgresDialect, SqliteDialect, sql } from "kysely";
import type { Millis } from "../../domain/time.ts";
import { openDatabaseClock } from "../postgres/clock.ts";
import { postgresOpenError } from "../postgres/open_error.ts";
import { createPool } from "../postgres/pool.ts";
import type { Schema } from "../schema.ts";
import { StoreOpenError } from "../store_open_error.ts";

export type DatabasePlace =
  | { readonly type: "sqlite"; readonly path: string }
  | { readonly type: "postgres"; readonly url: string };

export interface InspectedDatabase {
  readonly name: "sqlite" | "postgres";
  readonly db: Kysely<Schema>;
  /** The time that counts for what is due. */
  now(): Promise<Millis>;
  /** True if a server has it open. */
  isServed(): Promise<boolean>;
  /** Runs `work`, which only reads, on what there is at one moment, whatever is written meanwhile. */
  atOneMoment<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens the database, which has to be there, and closes it after `work`. Whatever goes wrong, it rejects with a StoreOpenError. */
export async function operate<T>(place: DatabasePlace, work: (database: InspectedDatabase) => Promise<T>): Promise<T> {
  try {
    const database = place.type === "postgres" ? openPostgres(place.url) : openSqlite(place.path);
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } catch (error) {
    if (place.type === "postgres") throw postgresOpenError(place.url, error);
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreOpenError(`can't read the database ${place.path}: ${why}`, { cause: error });
  }
}

function openSqlite(path: string): InspectedDatabase {
  const database = new BetterSqlite3(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
  return {
    name: "sqlite",
    db,
    now: async () => Date.now(),
    isServed: async () => isLocked(`${path}.lock`),
    atOneMoment: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

/** A server keeps its lock file locked, so that not even its tables can be read. */
function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const lock = new BetterSqlite3(path, { readonly: true, timeout: 0 });
  try {
    lock.pragma("schema_version");
    return false;
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError && error.code === "SQLITE_BUSY") return true;
    throw error;
  } finally {
    lock.close();
  }
}

function openPostgres(url: string): InspectedDatabase {
  // A connection that breaks shows in the statement that it breaks. A statement may take as long as it needs.
  const pool = createPool({ url, size: 2, name: "belay operator", statementTimeout: 0 }, () => undefined);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    name: "postgres",
    db,
    now: async () => (await openDatabaseClock(db)).now(),
    isServed: async () => {
      const { rows } = await sql<{ readonly servers: number }>`
        select count(*) as servers from pg_stat_activity
        where datname = current_database() and application_name = 'belay'
      `.execute(db);
      return (rows[0]?.servers ?? 0) > 0;
    },
    atOneMoment: (work) =>
      db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(work),
    close: () => db.destroy(),
  };
}
