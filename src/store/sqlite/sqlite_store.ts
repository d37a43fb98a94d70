/** The store over SQLite: what changes goes through the writer, reads have a connection of their own. */
import { apiKeyOf, listApiKeys } from "../api_key_rows.ts";
import { batchOperationReads } from "../batch_operation_reads.ts";
import type { Faults } from "../faults.ts";
import type { Guard } from "../guard.ts";
import { listAuditEvents } from "../list_audit_events.ts";
import type { Store } from "../store.ts";
import { storeReads } from "../store_reads.ts";
import type { SqliteConnection } from "./connection.ts";
import { createSqliteHealth } from "./health.ts";
import { preparedReads } from "./prepared_reads.ts";
import { SQLITE_SEARCH } from "./search_sql.ts";
import type { SqliteWriter } from "./writer.ts";

export interface SqliteParts {
  readonly writer: SqliteWriter;
  readonly reading: SqliteConnection;
  readonly guard: Guard;
  /** Closes the writer and all connections. */
  readonly close: () => Promise<void>;
  readonly faults: Faults | undefined;
}

export function createSqliteStore({ writer, reading, guard: watch, close, faults }: SqliteParts): Store {
  const { guard } = watch;
  const { db } = reading;
  const committing = async <T>(transaction: () => Promise<T>): Promise<T> => {
    // A transaction is one step of the writer: nothing can happen between its begin and its commit but the end of the process.
    if (faults !== undefined) await faults.reach("store.before_commit");
    const done = await transaction();
    if (faults !== undefined) await faults.reach("store.after_commit");
    return done;
  };
  return guard<Store>({
    batchOperations: guard({
      ...batchOperationReads(db),
      ...writer.batchOperations,
      cancelNext: (cancellationIds, now) => committing(() => writer.batchOperations.cancelNext(cancellationIds, now)),
    }),
    apiKeys: guard({
      all: async () => (await db.selectFrom("api_key").selectAll().execute()).map(apiKeyOf),
      list: (tenant, page) => listApiKeys(db, tenant, page),
      ...writer.apiKeys,
    }),
    audit: guard({
      list: (tenant, filter, afterNumber, limit) => listAuditEvents(db, tenant, filter, afterNumber, limit),
      ...writer.audit,
    }),
    pruning: guard({
      alone: async (work) => {
        // Only one process has the file open as a store.
        await work();
        return true;
      },
      ...writer.pruning,
    }),
    health: createSqliteHealth(writer.health, watch),
    notices: null,
    decidesInOrder: true,

    ...storeReads(db, SQLITE_SEARCH),
    ...preparedReads(reading.database, db),

    ...writer.commands,
    apply: (envelopes, now) => committing(() => writer.commands.apply(envelopes, now)),

    close,
  });
}
