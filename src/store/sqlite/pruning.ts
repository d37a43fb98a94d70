/** Removes old rows from SQLite: each step is one synchronous transaction. */
import type { Database } from "better-sqlite3";
import type { Compilable, CompiledQuery, Kysely } from "kysely";
import {
  type Candidate,
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
  putAnchor,
  ROWS,
  removableOf,
  selectBatchOperations,
  selectExecutions,
  selectNextTenant,
  selectOldestAuditEvents,
} from "../pruning.ts";
import type { Schema } from "../schema.ts";
import type { Transact } from "./transact.ts";
import type { PruningSteps } from "./writer.ts";

export interface PruningOptions {
  readonly database: Database;
  readonly writing: Kysely<Schema>;
  readonly transact: Transact;
}

export function createPruningSteps({ database, writing: db, transact }: PruningOptions): PruningSteps {
  // Within a transaction, where an awaited query would let others in.
  const all = <Row>(query: Compilable<Row>): Row[] => {
    const { sql, parameters } = query.compile();
    return database.prepare<unknown[], Row>(sql).all(...parameters);
  };
  const run = (query: { compile(): CompiledQuery }): number => {
    const { sql, parameters } = query.compile();
    return database.prepare(sql).run(...parameters).changes;
  };
  /** True once none is left: fewer than a step removes were there. */
  const isEmptied = (query: { compile(): CompiledQuery }): boolean => run(query) < ROWS;

  return {
    removeExecutions: (before, place) =>
      transact(() => {
        const candidates: Candidate[] = all(selectExecutions(db, before, place));
        const rids = removableOf(candidates);
        if (rids.length > 0) {
          const areEmpty = [deleteEvents(db, rids), deleteQueueItems(db, rids)].map(isEmptied);
          if (areEmpty.includes(false)) return place;
          run(deleteLabels(db, rids));
          run(deleteExecutions(db, rids));
        }
        return nextPlaceOf(candidates, before);
      }),

    removeBatchOperations: (before, place) =>
      transact(() => {
        const candidates: Candidate[] = all(selectBatchOperations(db, before, place));
        const rids = removableOf(candidates);
        if (rids.length > 0) {
          if (!isEmptied(deleteItems(db, rids))) return place;
          run(deleteBatchOperations(db, rids));
        }
        return nextPlaceOf(candidates, before);
      }),

    removeAuditEvents: (before, place, now) =>
      transact(() => {
        const [next] = all(selectNextTenant(db, place));
        if (next === undefined) return null;
        const oldest = all(selectOldestAuditEvents(db, next.tenant));
        const last = lastRemovable(oldest, before);
        if (last !== null) {
          run(deleteAuditEvents(db, next.tenant, last));
          run(putAnchor(db, next.tenant, last, now));
        }
        return goesOn(oldest, last) ? place : next.tenant;
      }),
  };
}
