/**
 * The batch operations over SQLite. What takes several statements runs as one synchronous transaction: the writing connection is shared
 * with the commands, and a transaction that waited in the middle would take theirs in.
 */
import type { Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import type { BatchItemState } from "../../domain/batch_operation.ts";
import type { ExecutionKey } from "../../domain/execution.ts";
import { Refused, refusal } from "../../domain/refusal.ts";
import { listBatchItems, listBatchKeys } from "../batch_operation_lists.ts";
import type { BatchOperation, BatchOperations, NewBatchOperation } from "../batch_operations.ts";
import type { Idempotency } from "../idempotency.ts";
import type { ProcessInstanceFilter } from "../process_instance_search.ts";
import { executionOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { isSelected } from "../search_process_instances.ts";
import { ACTIVE, type BatchRow, type BatchStatements, prepareBatchStatements } from "./batch_statements.ts";
import { unavailableOf } from "./unavailable.ts";

/** The states in which an execution can still be cancelled. */
const CANCELLABLE = ["pending", "running", "cancelling"] as const;

export function createSqliteBatchOperations(
  database: Database,
  writing: Kysely<Schema>,
  reading: Kysely<Schema>,
): BatchOperations {
  const statements = prepareBatchStatements(database, writing);

  const transact = async <T>(work: () => T): Promise<T> => {
    try {
      return database.transaction(work).immediate();
    } catch (error) {
      throw unavailableOf(error) ?? error;
    }
  };

  return {
    create: (batch, filter, idempotency, now) =>
      transact(() => {
        const { tenant, key, principal } = batch;
        const earlier = idempotency === null ? null : findEarlier(statements, tenant, idempotency);
        if (earlier !== null) return earlier.key;
        const rid = statements.insertBatch.run({
          tenant,
          key,
          principal,
          operation_reference: batch.operationReference,
          command_id: idempotency?.commandId ?? null,
          fingerprint: idempotency?.fingerprint ?? null,
          created_at: now,
        });
        const items = selectItems(writing, rid, tenant, filter).compile();
        const { changes } = database.prepare(items.sql).run(...items.parameters);
        if (changes === 0) statements.finishBatches.run({ now });
        return key;
      }),

    find: (tenant, key) => findBatch(reading, tenant, key),

    list: async (tenant, filter, slice) => {
      const { items, total } = await listBatchKeys(reading, tenant, filter, slice);
      const found = await Promise.all(items.map((key) => findBatch(reading, tenant, key)));
      return { items: found.filter((batch) => batch !== null), total };
    },

    listItems: (tenant, filter, slice) => listBatchItems(reading, tenant, filter, slice),

    change: (tenant, key, from, to, now) =>
      transact(() => {
        const row = statements.findBatch.get({ tenant, key });
        if (row === undefined || !from.includes(row.state)) return false;
        statements.changeState.run({ rid: row.rid, state: to, ended_at: to === "cancelled" ? now : null });
        if (to === "cancelled") statements.cancelPendingItems.run({ rid: row.rid, now });
        return true;
      }),

    claim: (limit, now) =>
      transact(() => {
        const row = statements.findNextBatch.get({});
        if (row === undefined) {
          // One that was resumed may have had nothing left to do.
          statements.finishBatches.run({ now });
          return null;
        }
        const items = statements.listPendingItems.all({ rid: row.rid, limit });
        for (const { execution_rid } of items) statements.activateItem.run({ rid: row.rid, execution_rid });
        statements.startBatch.run({ rid: row.rid, now });
        return {
          batch: newBatchOf(row),
          keys: items.map(({ tenant, kind, id }): ExecutionKey => ({ tenant, kind, id })),
        };
      }),

    settle: (ended, now) =>
      transact(() => {
        for (const { key, end } of ended) {
          statements.settleItem.run({ tenant: key.tenant, kind: key.kind, id: key.id, ...end, now });
        }
        statements.finishBatches.run({ now });
      }),

    release: (now) =>
      transact(() => {
        statements.cancelUntouchedItems.run({ now });
        statements.releaseUntouchedItems.run({});
      }),

    listEnded: async (limit) => {
      const rows = await reading
        .selectFrom("batch_item")
        .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
        .selectAll("execution")
        .where("batch_item.state", "=", ACTIVE)
        .where("execution.live", "=", 0)
        .limit(limit)
        .execute();
      return rows.map((row) => executionOf(row, []));
    },

    hasActive: async () => {
      const row = await reading
        .selectFrom("batch_item")
        .select("execution_rid")
        .where("state", "=", ACTIVE)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

/** An item for each execution that a batch operation of the tenant may cancel: only roots, because children go with them. */
function selectItems(db: Kysely<Schema>, rid: number, tenant: string, filter: ProcessInstanceFilter) {
  const selected = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("kind", "=", "process_instance")
    .where("state", "in", CANCELLABLE)
    .where("parent_rid", "is", null)
    .where(isSelected(filter))
    .select((eb) => [
      eb.val(rid).as("batch_rid"),
      "execution.rid as execution_rid",
      eb.val<BatchItemState>("pending").as("state"),
    ]);
  return db.insertInto("batch_item").columns(["batch_rid", "execution_rid", "state"]).expression(selected);
}

/** The batch operation that the same command made before. */
function findEarlier(statements: BatchStatements, tenant: string, idempotency: Idempotency): BatchRow | null {
  const { principal, commandId, fingerprint } = idempotency;
  const earlier = statements.findCommand.get({ tenant, principal, command_id: commandId });
  if (earlier === undefined) return null;
  if (earlier.fingerprint === fingerprint) return earlier;
  const message = `command id '${commandId}' was used before with another request; use a new one`;
  throw new Refused(refusal("idempotency_key_reused", message, { command_id: commandId }));
}

async function findBatch(db: Kysely<Schema>, tenant: string, key: string): Promise<BatchOperation | null> {
  const row = await db
    .selectFrom("batch_operation")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("key", "=", key)
    .executeTakeFirst();
  return row === undefined ? null : batchOf(row, await countItems(db, row.rid));
}

async function countItems(db: Kysely<Schema>, rid: number): Promise<Record<BatchItemState, number>> {
  const counts = { pending: 0, active: 0, completed: 0, failed: 0, cancelled: 0 };
  const rows = await db
    .selectFrom("batch_item")
    .select((eb) => ["state", eb.fn.countAll<number>().as("count")])
    .where("batch_rid", "=", rid)
    .groupBy("state")
    .execute();
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

function newBatchOf(row: BatchRow): NewBatchOperation {
  const { tenant, key, principal, operation_reference } = row;
  return { tenant, key, principal, operationReference: operation_reference };
}

function batchOf(row: BatchRow, items: BatchOperation["items"]): BatchOperation {
  const { state, created_at, started_at, ended_at } = row;
  return { ...newBatchOf(row), state, createdAt: created_at, startedAt: started_at, endedAt: ended_at, items };
}
