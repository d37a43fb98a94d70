/**
 * Makes batch operations. One may have a million items, and a transaction that long would keep all other writes waiting: so the items are
 * selected on a connection of their own, in one snapshot, and written a few at a time. Until the last one is there nobody sees any.
 */
import { setImmediate } from "node:timers/promises";
import BetterSqlite3, { type Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import { Refused, refusal } from "../../domain/refusal.ts";
import type { Millis } from "../../domain/time.ts";
import type { AuditEntry } from "../audit.ts";
import { type BatchRow, selectExecutions } from "../batch_operation_rows.ts";
import type { BatchOperations } from "../batch_operations.ts";
import type { Idempotency } from "../idempotency.ts";
import type { ProcessInstanceFilter } from "../process_instance_search.ts";
import type { Schema } from "../schema.ts";
import type { AuditWriter } from "./audit_writer.ts";
import type { BatchStatements } from "./batch_statements.ts";
import { SQLITE_SEARCH } from "./search_sql.ts";
import type { Transact } from "./transact.ts";

export interface CreateBatchOptions {
  readonly database: Database;
  readonly writing: Kysely<Schema>;
  readonly statements: BatchStatements;
  readonly transact: Transact;
  readonly audit: AuditWriter;
}

export interface BatchMaking {
  readonly create: BatchOperations["create"];
  /** Removes what was being made when a process died. Nobody was told of it. */
  removeUnfinished(): Promise<void>;
}

/** How many items are written in one transaction: about a millisecond's worth. */
const STEP = 500;

export function batchMaking({ database, writing, statements, transact, audit }: CreateBatchOptions): BatchMaking {
  /** The batch operations that are being made. */
  const making = new Set<number>();

  /**
   * Without waiting for the disk: nothing counts until the last transaction of all, which waits for what came before it too. The transaction
   * is over when this returns its promise, so nobody else's goes without.
   */
  const transactQuickly: Transact = (work) => {
    database.pragma("synchronous = NORMAL");
    try {
      return transact(work);
    } finally {
      database.pragma("synchronous = FULL");
    }
  };

  async function addItems(rid: number, executions: Iterable<number>): Promise<number> {
    let count = 0;
    let step: number[] = [];
    const write = (): Promise<void> =>
      transactQuickly(() => {
        for (const execution_rid of step) statements.insertItem.run({ rid, execution_rid });
      });
    for (const execution of executions) {
      count += 1;
      if (step.push(execution) < STEP) continue;
      await write();
      step = [];
      // Whoever has to write meanwhile has a turn.
      await setImmediate();
    }
    await write();
    return count;
  }

  /** Removes items, and the batch operation with the last of them. */
  async function remove(rid: number): Promise<void> {
    while (await transact(() => statements.removeItems.all({ rid, limit: STEP }).length > 0)) await setImmediate();
    await transact(() => statements.removeBatch.run({ rid }));
  }

  /** The key that the same command was answered before; null if it is new. To be called in a transaction. */
  function repeat(
    tenant: string,
    idempotency: Idempotency | null,
    entry: AuditEntry | null,
    now: Millis,
  ): string | null {
    const earlier = findEarlier(statements, tenant, idempotency);
    if (earlier !== null && entry !== null) audit.append({ ...entry, outcome: "replayed" }, now);
    return earlier?.key ?? null;
  }

  /** The executions that the filter selects, as they are now, however long it takes to read them. */
  async function addSelected(rid: number, tenant: string, filter: ProcessInstanceFilter): Promise<number> {
    const { sql, parameters } = selectExecutions(writing, SQLITE_SEARCH, tenant, filter).compile();
    // A database in memory is seen by one connection only, which can't write while it reads.
    if (database.memory) {
      return await addItems(
        rid,
        database
          .prepare<unknown[], number>(sql)
          .pluck()
          .all(...parameters),
      );
    }
    const snapshot = new BetterSqlite3(database.name, { readonly: true });
    try {
      return await addItems(
        rid,
        snapshot
          .prepare<unknown[], number>(sql)
          .pluck()
          .iterate(...parameters),
      );
    } finally {
      snapshot.close();
    }
  }

  return {
    create: async (batch, filter, idempotency, now, entry) => {
      const { tenant, key, principal, operationReference: operation_reference } = batch;
      const begun = await transact(() => {
        const earlier = repeat(tenant, idempotency, entry, now);
        if (earlier !== null) return { earlier, rid: 0 };
        return {
          earlier,
          rid: statements.insertBatch.run({ tenant, key, principal, operation_reference, created_at: now }),
        };
      });
      if (begun.earlier !== null) return begun.earlier;
      const { rid } = begun;
      making.add(rid);
      let made: string | null = null;
      try {
        const count = await addSelected(rid, tenant, filter);
        made = await transact(() => {
          const earlier = repeat(tenant, idempotency, entry, now);
          if (earlier !== null) return earlier;
          if (entry !== null) audit.append(entry, now);
          const { commandId = null, fingerprint = null } = idempotency ?? {};
          statements.openBatch.run({ rid, command_id: commandId, fingerprint });
          if (count === 0) statements.finishBatches.run({ now });
          return key;
        });
        return made;
      } finally {
        // It failed, or another caller has made it with the same command meanwhile.
        if (made !== key) await remove(rid);
        making.delete(rid);
      }
    },

    removeUnfinished: async () => {
      for (const { rid } of statements.listUnfinished.all({})) if (!making.has(rid)) await remove(rid);
    },
  };
}

/** The batch operation that the same command made before. */
function findEarlier(statements: BatchStatements, tenant: string, idempotency: Idempotency | null): BatchRow | null {
  if (idempotency === null) return null;
  const { principal, commandId, fingerprint } = idempotency;
  const earlier = statements.findCommand.get({ tenant, principal, command_id: commandId });
  if (earlier === undefined) return null;
  if (earlier.fingerprint === fingerprint) return earlier;
  const message = `command id '${commandId}' was used before with another request; use a new one`;
  throw new Refused(refusal("idempotency_key_reused", message, { command_id: commandId }));
}
