/** Opens the SQLite store: one file, one process. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { migrate } from "../migrate.ts";
import type { Schema } from "../schema.ts";
import type { Store } from "../store.ts";
import { createSqliteBatchOperations } from "./batch_operations.ts";
import { BatchWriter } from "./batch_writer.ts";
import { createSqliteStore } from "./sqlite_store.ts";
import { prepareStatements } from "./statements.ts";

/** The store can't be opened. The message says why, and what would be right. */
export class StoreOpenError extends Error {
  override readonly name = "StoreOpenError";
}

/** The path of a database that lives in memory and ends with the process. */
const IN_MEMORY = ":memory:";

/**
 * Opens the database file at `path`, made if it is not there, and brings it up to the newest schema. With ":memory:", nothing outlives
 * the process.
 *
 * Another process that has the file open as a store is an error: two dispatchers would carry out every effect twice.
 */
export async function openSqliteStore(path: string): Promise<Store> {
  if (path !== IN_MEMORY && !existsSync(dirname(path))) {
    throw new StoreOpenError(`the folder of the database does not exist: ${dirname(path)}`);
  }
  const lock = takeLock(path);
  try {
    const writer = openDatabase(path);
    const writing = new Kysely<Schema>({ dialect: new SqliteDialect({ database: writer }) });
    await migrate(writing);
    // Reads have a connection of their own and never wait for a write. A database in memory is seen by one connection only.
    const reading =
      path === IN_MEMORY
        ? writing
        : new Kysely<Schema>({ dialect: new SqliteDialect({ database: openDatabase(path) }) });
    // What a process that died had claimed is due again.
    await writing.updateTable("effect").set({ claimed: 0, due_at: Date.now() }).where("claimed", "=", 1).execute();
    const batches = new BatchWriter(writer, prepareStatements(writer, writing));
    const batchOperations = createSqliteBatchOperations(writer, writing, reading);
    return createSqliteStore({ writing, reading, batches, batchOperations, lock });
  } catch (error) {
    lock.close();
    throw error instanceof StoreOpenError ? error : openError(path, error);
  }
}

function openDatabase(path: string): Database {
  const database = new BetterSqlite3(path);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  // 64 MB. With the default of 4 MB nearly every batch under load waits for a checkpoint too, which is two more writes to the disk.
  database.pragma("wal_autocheckpoint = 16384");
  database.pragma("journal_size_limit = 67108864");
  // The connections of this process never wait for each other for long; this is for a backup or a shell that looks at the file.
  database.pragma("busy_timeout = 5000");
  return database;
}

/** Held as long as the process lives, and freed by the operating system with it, however it ends. */
function takeLock(path: string): Database {
  const lock = new BetterSqlite3(path === IN_MEMORY ? IN_MEMORY : `${path}.lock`, { timeout: 0 });
  try {
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Error && "code" in error && error.code === "SQLITE_BUSY") {
      throw new StoreOpenError(`another Belay has ${path} open; stop it, or choose another file with --db`, {
        cause: error,
      });
    }
    throw openError(path, error);
  }
}

function openError(path: string, error: unknown): StoreOpenError {
  const why = error instanceof Error ? error.message : String(error);
  return new StoreOpenError(`can't open the database ${path}: ${why}`, { cause: error });
}
