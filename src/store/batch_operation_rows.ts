/** The rows of batch operations and of their items. The same over every database. */
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from "kysely";
import type { BatchItemState } from "../domain/batch_operation.ts";
import type { Execution } from "../domain/execution.ts";
import { type BatchFilter, type Listed, listBatchKeys, type Slice } from "./batch_operation_lists.ts";
import type { BatchOperation, NewBatchOperation } from "./batch_operations.ts";
import type { ProcessInstanceFilter } from "./process_instance_search.ts";
import { executionOf } from "./rows.ts";
import type { BatchOperationTable, Schema } from "./schema.ts";
import { isSelected, type SearchSql } from "./search_process_instances.ts";

export type BatchRow = Selectable<BatchOperationTable>;

/** As a literal: databases take the index over active items only for a condition that they can read. */
export const ACTIVE = sql.lit<BatchItemState>("active");

/** The states in which an execution can still be cancelled. */
const CANCELLABLE = ["pending", "running", "cancelling"] as const;

/** An item for each execution that a batch operation of the tenant may cancel: only roots, because children go with them. */
export function selectItems(
  db: Kysely<Schema>,
  dialect: SearchSql,
  rid: number,
  tenant: string,
  filter: ProcessInstanceFilter,
) {
  const selected = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("kind", "=", "process_instance")
    .where("state", "in", CANCELLABLE)
    .where("parent_rid", "is", null)
    .where(isSelected(dialect, filter))
    .select((eb) => [
      eb.val(rid).as("batch_rid"),
      "execution.rid as execution_rid",
      eb.val<BatchItemState>("pending").as("state"),
    ]);
  return db.insertInto("batch_item").columns(["batch_rid", "execution_rid", "state"]).expression(selected);
}

export async function listBatches(
  db: Kysely<Schema>,
  tenant: string,
  filter: BatchFilter,
  slice: Slice,
): Promise<Listed<BatchOperation>> {
  const { items, total } = await listBatchKeys(db, tenant, filter, slice);
  const found = await Promise.all(items.map((key) => findBatch(db, tenant, key)));
  return { items: found.filter((batch) => batch !== null), total };
}

/** Executions of active items that have ended, cancellation included. */
export async function listEnded(db: Kysely<Schema>, limit: number): Promise<Execution[]> {
  const rows = await db
    .selectFrom("batch_item")
    .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
    .selectAll("execution")
    .where("batch_item.state", "=", ACTIVE)
    .where("execution.live", "=", 0)
    .limit(limit)
    .execute();
  return rows.map((row) => executionOf(row, []));
}

export async function hasActive(db: Kysely<Schema>): Promise<boolean> {
  const row = await db
    .selectFrom("batch_item")
    .select("execution_rid")
    .where("state", "=", ACTIVE)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The items in one of the states, of the batch operation that the query around looks at. */
export function itemsIn(eb: ExpressionBuilder<Schema, "batch_operation">, states: readonly BatchItemState[]) {
  return eb
    .selectFrom("batch_item")
    .select("batch_item.execution_rid")
    .whereRef("batch_item.batch_rid", "=", "batch_operation.rid")
    .where("batch_item.state", "in", states);
}

/** The item's execution, if nobody is cancelling it: the cancel got lost, or the engine refused it and it may be tried again. */
export function untouched(eb: ExpressionBuilder<Schema, "batch_item">) {
  return eb
    .selectFrom("execution")
    .select("execution.rid")
    .whereRef("execution.rid", "=", "batch_item.execution_rid")
    .where("execution.state", "in", ["pending", "running"]);
}

export async function findBatch(db: Kysely<Schema>, tenant: string, key: string): Promise<BatchOperation | null> {
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

export function newBatchOf(row: BatchRow): NewBatchOperation {
  const { tenant, key, principal, operation_reference } = row;
  return { tenant, key, principal, operationReference: operation_reference };
}

function batchOf(row: BatchRow, items: BatchOperation["items"]): BatchOperation {
  const { state, created_at, started_at, ended_at } = row;
  return { ...newBatchOf(row), state, createdAt: created_at, startedAt: started_at, endedAt: ended_at, items };
}
