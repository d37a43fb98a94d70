/** A connection to the SQLite file. */
import BetterSqlite3, { type Database } from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import type { Schema } from "../schema.ts";

export interface SqliteConnection {
  readonly database: Database;
  /** The same connection, for statements written in Kysely. */
  readonly db: Kysely<Schema>;
}

export function connect(path: string): SqliteConnection {
  const database = new BetterSqlite3(path);
  try {
    configure(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return { database, db: new Kysely<Schema>({ dialect: new SqliteDialect({ database }) }) };
}

function configure(database: Database): void {
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  // 16 MB, most of which the checkpoint thread has copied by then. With the default of 4 MB many batches under load wait for a checkpoint too,
  // and with four times as much those that do wait long.
  database.pragma("wal_autocheckpoint = 4096");
  database.pragma("journal_size_limit = 67108864");
  // The connections of this process never wait for each other for long; this is for a shell that writes into the file. All else that the
  // thread has to do waits meanwhile.
  database.pragma("busy_timeout = 500");
}
