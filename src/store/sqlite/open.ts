/** Opens the SQLite store: one file, one process. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import type { Millis } from "../../domain/time.ts";
import { EFFECT_CLAIM } from "../effect_claim.ts";
import type { Faults } from "../faults.ts";
import { createGuard } from "../guard.ts";
import { migrate } from "../migrate.ts";
import { SQLITE_SCHEMA } from "../migrations/dialect.ts";
import type { Store } from "../store.ts";
import { StoreOpenError } from "../store_open_error.ts";
import { startCheckpoints } from "./checkpoints.ts";
import { releaseClaims } from "./claim_effects.ts";
import { connect, type SqliteConnection } from "./connection.ts";
import { createWriter } from "./create_writer.ts";
import { handOver } from "./hand_over.ts";
import type { ThreadLogger } from "./running_thread.ts";
import { createSqliteStore } from "./sqlite_store.ts";
import { unavailableOf } from "./unavailable.ts";

export interface SqliteOptions {
  /**
   * True: what writes into the file has a thread of its own, so that this one never waits for the disk. Default: false. A database in
   * memory has none.
   */
  readonly thread?: boolean;
  /** How long an effect that was handed out is not handed out again. Default: 30 seconds. */
  readonly effectClaim?: Millis;
  /** Default: none. */
  readonly faults?: Faults | undefined;
  /** Told if the thread dies. Default: nobody but the callers is. */
  readonly logger?: ThreadLogger;
}

/** The path of a database that lives in memory and ends with the process. */
const IN_MEMORY = ":memory:";

/**
 * Opens the database file at `path`, made if it is not there, and brings it up to the newest schema. With ":memory:", nothing outlives
 * the process.
 *
 * Another process that has the file open as a store is an error: two dispatchers would carry out every effect twice.
 */
export async function openSqliteStore(path: string, options: SqliteOptions = {}): Promise<Store> {
  if (path !== IN_MEMORY && !existsSync(dirname(path))) {
    throw new StoreOpenError(`the folder of the database does not exist: ${dirname(path)}`);
  }
  const { thread = false, effectClaim = EFFECT_CLAIM, logger = null, faults } = options;
  // Closed in the opposite order, whether opening fails or the store is closed.
  const databases = [takeLock(path)];
  const open = (): SqliteConnection => {
    const connection = connect(path);
    databases.push(connection.database);
    return connection;
  };
  const closeAll = (): void => {
    for (const database of databases.toReversed()) database.close();
  };
  try {
    const first = open();
    await migrateAtOnce(first);
    await releaseClaims(first.db, effectClaim);
    const inline = createWriter(first, effectClaim);
    const isThreaded = thread && path !== IN_MEMORY;
    const writer = isThreaded ? handOver(inline, { path, effectClaim }, logger) : inline;
    // Reads never wait for a write: they have a connection of their own, which is the first one once the thread has taken the writes over. A
    // database in memory is seen by one connection only.
    const reading = isThreaded || path === IN_MEMORY ? first : open();
    const checkpoints = isThreaded ? startCheckpoints(path, logger) : null;
    const close = async (): Promise<void> => {
      try {
        await checkpoints?.close();
        await writer.connection.close();
      } finally {
        closeAll();
      }
    };
    return createSqliteStore({ writer, reading, guard: createGuard({ unavailableOf }), close, faults });
  } catch (error) {
    closeAll();
    throw error instanceof StoreOpenError ? error : openError(path, error);
  }
}

/** All that is missing or nothing: a process that is killed in between leaves the database as it was. */
async function migrateAtOnce({ database, db }: SqliteConnection): Promise<void> {
  database.exec("begin immediate");
  try {
    await migrate(db, SQLITE_SCHEMA);
    database.exec("commit");
  } finally {
    if (database.inTransaction) database.exec("rollback");
  }
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
