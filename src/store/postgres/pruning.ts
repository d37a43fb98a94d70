/** Removes old rows from PostgreSQL: each step is one transaction, and one replica at a time takes them. */
import { type Kysely, sql, type Transaction } from "kysely";
import {
  deleteAuditEvents,
  deleteBatchOperations,
  deleteEvents,
  deleteExecutions,
  deleteItems,
  deleteLabels,
  deleteQueueItems,
  goesOn,
  lastRemovable,
  nextPlaceOf,
  type Pruning,
  putAnchor,
  ROWS,
  removableOf,
  selectBatchOperations,
  selectExecutions,
  selectNextTenant,
  selectOldestAuditEvents,
} from "../pruning.ts";
import type { Schema } from "../schema.ts";
import { retryingConflicts } from "./conflicts.ts";

/** The name of the lock that whoever prunes holds: any number that no other lock of the database has. */
const LOCK = 4_120_733_118_265;

export function createPostgresPruning(db: Kysely<Schema>): Pruning {
  const transact = <T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> =>
    retryingConflicts(() => db.transaction().execute(work));

  return {
    // The lock belongs to the connection: PostgreSQL frees it when that ends, however it does.
    alone: (work) =>
      db.connection().execute(async (connection) => {
        const taken = await sql<{ readonly taken: boolean }>`select pg_try_advisory_lock(${LOCK}) as taken`.execute(
          connection,
        );
        if (taken.rows[0]?.taken !== true) return false;
        try {
          await work();
        } finally {
          await sql`select pg_advisory_unlock(${LOCK})`.execute(connection);
        }
        return true;
      }),

    removeExecutions: (before, place) =>
      transact(async (transaction) => {
        const candidates = await selectExecutions(transaction, before, place).execute();
        const rids = await lockExecutions(transaction, removableOf(candidates));
        if (rids.length > 0) {
          const events = await deleteEvents(transaction, rids).executeTakeFirst();
          const items = await deleteQueueItems(transaction, rids).executeTakeFirst();
          if (!isEmptied(events) || !isEmptied(items)) return place;
          await deleteLabels(transaction, rids).execute();
          await deleteExecutions(transaction, rids).execute();
        }
        return nextPlaceOf(candidates, before);
      }),

    removeBatchOperations: (before, place) =>
      transact(async (transaction) => {
        const candidates = await selectBatchOperations(transaction, before, place).execute();
        const rids = removableOf(candidates);
        if (rids.length > 0) {
          if (!isEmptied(await deleteItems(transaction, rids).executeTakeFirst())) return place;
          await deleteBatchOperations(transaction, rids).execute();
        }
        return nextPlaceOf(candidates, before);
      }),

    removeAuditEvents: (before, place, now) =>
      transact(async (transaction) => {
        const next = await selectNextTenant(transaction, place).executeTakeFirst();
        if (next === undefined) return null;
        const oldest = await selectOldestAuditEvents(transaction, next.tenant).execute();
        const last = lastRemovable(oldest, before);
        if (last !== null) {
          await deleteAuditEvents(transaction, next.tenant, last).execute();
          await putAnchor(transaction, next.tenant, last, now).execute();
        }
        return goesOn(oldest, last) ? place : next.tenant;
      }),
  };
}

/** True once none is left: fewer than a step removes were there. */
function isEmptied({ numDeletedRows }: { readonly numDeletedRows: bigint }): boolean {
  return numDeletedRows < BigInt(ROWS);
}

/**
 * Locks them, so that no command about them is decided until they are gone. Without those that one holds just now, or has left its answer
 * at since they were looked at: a late cancel of finished work can do that, and nothing else can.
 */
async function lockExecutions(db: Transaction<Schema>, rids: readonly number[]): Promise<number[]> {
  if (rids.length === 0) return [];
  const locked = await db
    .selectFrom("execution")
    .select("rid")
    .where("rid", "in", rids)
    .orderBy("rid")
    .forUpdate()
    .skipLocked()
    .execute();
  // A statement of its own: what was committed before the locks were there is seen only by one that begins after them.
  const remembered = await db
    .selectFrom("command")
    .select("execution_rid")
    .where("execution_rid", "in", rids)
    .execute();
  const stay = new Set(remembered.map(({ execution_rid }) => execution_rid));
  return locked.map(({ rid }) => rid).filter((rid) => !stay.has(rid));
}
