/** Finds executions on prepared statements, for reads and for the write path. */
import type { Database } from "better-sqlite3";
import type { Kysely, Selectable } from "kysely";
import type { Execution, ExecutionKey, Kind } from "../../domain/execution.ts";
import { type ExecutionRow, namedExecutionOf, READ_COLUMNS, type ReadColumns } from "../rows.ts";
import type { Schema, WorkItemTable } from "../schema.ts";
import { parameter, prepare } from "./prepare.ts";

/** What an execution is found by. */
export type KeyColumns = { tenant: string; kind: string; id: string };

/** What an execution is made from, beside its key. */
export const FOUND_COLUMNS = ["rid", "has_queue_items", ...READ_COLUMNS] as const;

export type FoundColumns = ReadColumns & Pick<ExecutionRow, "rid" | "has_queue_items">;

type QueueItemRow = Pick<Selectable<WorkItemTable>, "id" | "state">;

export interface FindExecution {
  /** Null: there is none. */
  byKey(key: ExecutionKey): { readonly rid: number; readonly execution: Execution } | null;
  /** The execution of a row that was found otherwise. */
  from(key: ExecutionKey, row: FoundColumns): Execution;
}

export function prepareFindExecution(database: Database, db: Kysely<Schema>): FindExecution {
  const findRow = prepare<KeyColumns, FoundColumns>(database, executionByKey(db).select(FOUND_COLUMNS));
  const findQueueItems = prepare<{ rid: number }, QueueItemRow>(
    database,
    db
      .selectFrom("work_item")
      .select(["id", "state"])
      .where("execution_rid", "=", parameter<number>("rid"))
      .orderBy("position"),
  );
  const from = (key: ExecutionKey, row: FoundColumns): Execution =>
    namedExecutionOf(key, row, row.has_queue_items === 1 ? findQueueItems.all({ rid: row.rid }) : []);
  return {
    byKey(key) {
      const row = findRow.get(keyColumnsOf(key));
      return row === undefined ? null : { rid: row.rid, execution: from(key, row) };
    },
    from,
  };
}

/** The row of an execution, by the parameters of `KeyColumns`. */
export function executionByKey(db: Kysely<Schema>) {
  return db
    .selectFrom("execution")
    .where("tenant", "=", parameter<string>("tenant"))
    .where("kind", "=", parameter<Kind>("kind"))
    .where("id", "=", parameter<string>("id"));
}

export function keyColumnsOf({ tenant, kind, id }: ExecutionKey): KeyColumns {
  return { tenant, kind, id };
}
