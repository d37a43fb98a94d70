/** Cancels the next items of a batch operation, and notes what became of them, in one transaction. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { ExecutionKey } from "../../domain/execution.ts";
import { Refused } from "../../domain/refusal.ts";
import type { Millis } from "../../domain/time.ts";
import { type BatchRow, itemsIn, newBatchOf } from "../batch_operation_rows.ts";
import type { BatchOperations, CancelledItems } from "../batch_operations.ts";
import {
  cancelledItems,
  cancelOfItem,
  endOfCancel,
  type ItemPlace,
  placeOf,
  UNABLE,
  unableToCancel,
} from "../item_cancels.ts";
import type { Schema } from "../schema.ts";
import type { Envelope } from "../store.ts";
import { applyWithin, type BatchOptions } from "./batch_writer.ts";
import { type ColumnTypes, tableOf } from "./columns.ts";
import { isConflict, retryingConflicts } from "./conflicts.ts";
import { finishBatches } from "./finish_batches.ts";
import { unavailableOf } from "./unavailable.ts";

export interface CancelNextOptions extends BatchOptions {
  /** Whose clock counts where commands are decided. */
  readonly clock: "database" | "caller";
}

interface Item extends ExecutionKey {
  readonly execution_rid: number;
}

export function cancelNext(db: Kysely<Schema>, options: CancelNextOptions): BatchOperations["cancelNext"] {
  const { faults, clock } = options;

  async function cancel(cancellationIds: readonly string[], now: Millis): Promise<CancelledItems | null> {
    let taken: { readonly rid: number; readonly batchKey: string; readonly items: readonly Item[] } | undefined;
    try {
      return await transact(db, async (transaction) => {
        const row = await findNextBatch(transaction);
        if (row === undefined) {
          // One that was resumed may have had nothing left to do.
          await finishBatches(transaction, now);
          return null;
        }
        const batch = newBatchOf(row);
        const items = await listPendingItems(transaction, row.rid, cancellationIds.length);
        taken = { rid: row.rid, batchKey: row.key, items };
        const envelopes = items.flatMap(({ tenant, kind, id }, index): Envelope[] => {
          const cancellationId = cancellationIds[index];
          return cancellationId === undefined ? [] : [cancelOfItem(batch, { tenant, kind, id }, cancellationId)];
        });
        const applied = await applyWithin(transaction, options, envelopes, clock === "caller" ? now : null);
        const ends = applied.map(endOfCancel);
        await moveItems(
          transaction,
          row.rid,
          items,
          ends.map((end) => placeOf(end, now)),
        );
        await startBatch(transaction, row.rid, now);
        await finishBatches(transaction, now);
        if (faults !== undefined) await faults.reach("store.before_commit");
        return cancelledItems(row.key, applied, ends);
      });
    } catch (error) {
      const only = taken?.items[0];
      if (taken === undefined || only === undefined || taken.items.length > 1 || !isFaultOfItem(error)) throw error;
      const { rid, batchKey } = taken;
      await transact(db, async (transaction) => {
        await moveItems(transaction, rid, [only], [placeOf(UNABLE, now)]);
        await startBatch(transaction, rid, now);
        await finishBatches(transaction, now);
      });
      const { tenant, kind, id } = only;
      return unableToCancel(batchKey, { tenant, kind, id }, error);
    }
  }

  return async (cancellationIds, now) => {
    const cancelled = await cancel(cancellationIds, now);
    if (faults !== undefined && cancelled !== null) await faults.reach("store.after_commit");
    return cancelled;
  };
}

function transact<T>(db: Kysely<Schema>, work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
  return retryingConflicts(() => db.transaction().execute(work));
}

function isFaultOfItem(error: unknown): boolean {
  return !(error instanceof Refused) && unavailableOf(error) === null && !isConflict(error);
}

/** The one that runs, has pending items, and was served longest ago; one that another replica serves just now is passed over. */
function findNextBatch(db: Transaction<Schema>): Promise<BatchRow | undefined> {
  return db
    .selectFrom("batch_operation")
    .selectAll()
    .where("ended_at", "is", null)
    .where("state", "in", ["created", "active"])
    .where((eb) => eb.exists(itemsIn(eb, ["pending"])))
    .orderBy("claimed_at")
    .orderBy("rid")
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

/** Nobody else takes them: whoever does holds the batch operation. */
async function listPendingItems(db: Transaction<Schema>, rid: number, limit: number): Promise<Item[]> {
  return await db
    .selectFrom("batch_item")
    .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
    .select(["batch_item.execution_rid", "execution.tenant", "execution.kind", "execution.id"])
    .where("batch_item.batch_rid", "=", rid)
    .where("batch_item.state", "=", "pending")
    .orderBy("batch_item.execution_rid")
    .limit(limit)
    .execute();
}

type MovedItem = ItemPlace & { readonly rid: number };

const MOVED_COLUMNS: ColumnTypes<MovedItem> = { rid: "bigint", state: "text", message: "text", processed_at: "bigint" };

async function moveItems(
  db: Transaction<Schema>,
  rid: number,
  items: readonly Item[],
  places: readonly ItemPlace[],
): Promise<void> {
  const moved = items.flatMap(({ execution_rid }, index): MovedItem[] => {
    const place = places[index];
    return place === undefined ? [] : [{ rid: execution_rid, ...place }];
  });
  await sql`
    update batch_item set state = moved.state, message = moved.message, processed_at = moved.processed_at
    from ${tableOf("moved", MOVED_COLUMNS, moved)}
    where batch_item.batch_rid = ${rid} and batch_item.execution_rid = moved.rid and batch_item.state = 'pending'
  `.execute(db);
}

async function startBatch(db: Transaction<Schema>, rid: number, now: Millis): Promise<void> {
  await db
    .updateTable("batch_operation")
    .set((eb) => ({ state: "active", claimed_at: now, started_at: eb.fn.coalesce("started_at", eb.val(now)) }))
    .where("rid", "=", rid)
    .execute();
}
