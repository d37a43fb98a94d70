/** Opens the SQLite store: one file, one process. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import type { Millis } from "../../domain/time.ts";
import { EFFECT_CLAIM } from "../effect_claim.ts";
import type { Faults } from "../faults.ts";
import { createGuard } from "../guard.ts";
import { listAuditEvents } from "../list_audit_events.ts";
import { migrate } from "../migrate.ts";
import { SQLITE_SCHEMA } from "../migrations/dialect.ts";
import type { Schema } from "../schema.ts";
import type { Store } from "../store.ts";
import { StoreOpenError } from "../store_open_error.ts";
import { createSqliteApiKeys } from "./api_keys.ts";
import { AuditWriter } from "./audit_writer.ts";
import { createSqliteBatchOperations } from "./batch_operations.ts";
import { BatchWriter } from "./batch_writer.ts";
import { createSqliteHealth } from "./health.ts";
import { createSqlitePruning } from "./pruning.ts";
import { createSqliteStore } from "./sqlite_store.ts";
import { prepareStatements } from "./statements.ts";
import { createTransact } from "./transact.ts";
import { unavailableOf } from "./unavailable.ts";

export interface SqliteOptions {
  /** How long an effect that was handed out is not handed out again. Default: 30 seconds. */
  readonly effectClaim?: Millis;
  /** Default: none. */
  readonly faults?: Faults | undefined;
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
  const { effectClaim = EFFECT_CLAIM, faults } = options;
  if (path !== IN_MEMORY && !existsSync(dirname(path))) {
    throw new StoreOpenError(`the folder of the database does not exist: ${dirname(path)}`);
  }
  // Kysely closes a connection only if it was used.
  const connections = [takeLock(path)];
  const connect = (): Database => {
    const database = new BetterSqlite3(path);
    connections.push(database);
    return configure(database);
  };
  const close = (): void => {
    for (const database of connections.toReversed()) database.close();
  };
  try {
    const writer = connect();
    const writing = new Kysely<Schema>({ dialect: new SqliteDialect({ database: writer }) });
    await migrateAtOnce(writer, writing);
    // Reads have a connection of their own and never wait for a write. A database in memory is seen by one connection only.
    const reading =
      path === IN_MEMORY ? writing : new Kysely<Schema>({ dialect: new SqliteDialect({ database: connect() }) });
    // What a process that died had claimed is due again.
    await writing.updateTable("effect").set({ claimed: 0, due_at: Date.now() }).where("claimed", "=", 1).execute();
    const audit = new AuditWriter(writer, writing);
    const transact = createTransact(writer, audit);
    const guard = createGuard({ unavailableOf });
    return createSqliteStore({
      writing,
      reading,
      batches: new BatchWriter(writer, prepareStatements(writer, writing), audit, effectClaim),
      batchOperations: createSqliteBatchOperations({ database: writer, writing, reading, transact, audit }),
      apiKeys: createSqliteApiKeys({ database: writer, writing, transact, audit }),
      pruning: createSqlitePruning({ database: writer, writing, transact }),
      audit: {
        append: (entries, now) =>
          transact(() => {
            for (const entry of entries) audit.append(entry, now);
          }),
        list: (tenant, filter, afterNumber, limit) => listAuditEvents(reading, tenant, filter, afterNumber, limit),
      },
      health: createSqliteHealth(writer, guard),
      guard,
      close,
      faults,
    });
  } catch (error) {
    close();
    throw error instanceof StoreOpenError ? error : openError(path, error);
  }
}

/** All that is missing or nothing: a process that is killed in between leaves the database as it was. */
async function migrateAtOnce(database: Database, db: Kysely<Schema>): Promise<void> {
  database.exec("begin immediate");
  try {
    await migrate(db, SQLITE_SCHEMA);
    database.exec("commit");
  } finally {
    if (database.inTransaction) database.exec("rollback");
  }
}

function configure(database: Database): Database {
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  // 64 MB. With the default of 4 MB nearly every batch under load waits for a checkpoint too, which is two more writes to the disk.
  database.pragma("wal_autocheckpoint = 16384");
  database.pragma("journal_size_limit = 67108864");
  // The connections of this process never wait for each other for long; this is for a shell that writes into the file. All calls wait
  // meanwhile, not only the one that writes.
  database.pragma("busy_timeout = 500");
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
