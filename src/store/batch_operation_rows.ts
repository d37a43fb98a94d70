/** The rows of batch operations and of their items. The same over every database. */
import { type Expression, type ExpressionBuilder, type Kysely, type Selectable, type SqlBool, sql } from "kysely";
import type { BatchItemState, BatchState } from "../domain/batch_operation.ts";
import type { Execution } from "../domain/execution.ts";
import { type BatchFilter, type Listed, listBatchKeys, PREPARING, type Slice } from "./batch_operation_lists.ts";
import type { BatchOperation, NewBatchOperation } from "./batch_operations.ts";
import type { CountItems } from "./count_items.ts";
import type { ProcessInstanceFilter } from "./process_instance_search.ts";
import { executionOf } from "./rows.ts";
import type { BatchOperationTable, Schema } from "./schema.ts";
import { isSelected, type SearchSql } from "./search_process_instances.ts";

export type BatchRow = Selectable<BatchOperationTable>;

/** The row of a batch operation that is there for others. */
export type SeenBatchRow = Omit<BatchRow, "state"> & { readonly state: BatchState };

export function selectSeen(db: Kysely<Schema>) {
  return db
    .selectFrom("batch_operation")
    .selectAll()
    .where("state", "!=", PREPARING)
    .$narrowType<{ state: BatchState }>();
}

/** As a literal: databases take the index over active items only for a condition that they can read. */
export const ACTIVE = sql.lit<BatchItemState>("active");

/** The states in which an execution can still be cancelled. */
const CANCELLABLE = ["pending", "running", "cancelling"] as const;

/** The row numbers of the executions that a batch operation of the tenant may cancel: only roots, because children go with them. */
export function selectExecutions(
  db: Kysely<Schema>,
  dialect: SearchSql,
  tenant: string,
  filter: ProcessInstanceFilter,
) {
  return db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("kind", "=", "process_instance")
    .where(isCancellable(filter))
    .where("parent_rid", "is", null)
    .where(isSelected(dialect, filter))
    .select("execution.rid as execution_rid");
}

/** Where the filter names ids, in words that keep the database from looking at everything that can be cancelled instead of just those. */
function isCancellable({ conditions }: ProcessInstanceFilter): Expression<SqlBool> {
  const names = conditions.some(({ field, operator }) => field === "key" && (operator === "eq" || operator === "in"));
  return names
    ? sql`(case when state in (${sql.join(CANCELLABLE)}) then 1 end) = 1`
    : sql`state in (${sql.join(CANCELLABLE)})`;
}

/** An item for each of them. */
export function selectItems(
  db: Kysely<Schema>,
  dialect: SearchSql,
  rid: number,
  tenant: string,
  filter: ProcessInstanceFilter,
) {
  const selected = selectExecutions(db, dialect, tenant, filter).select((eb) => [
    eb.val(rid).as("batch_rid"),
    eb.val<BatchItemState>("pending").as("state"),
  ]);
  return db.insertInto("batch_item").columns(["execution_rid", "batch_rid", "state"]).expression(selected);
}

export async function listBatches(
  db: Kysely<Schema>,
  countItems: CountItems,
  tenant: string,
  filter: BatchFilter,
  slice: Slice,
): Promise<Listed<BatchOperation>> {
  const { items, total } = await listBatchKeys(db, tenant, filter, slice);
  const found = await Promise.all(items.map((key) => findBatch(db, countItems, tenant, key)));
  return { items: found.filter((batch) => batch !== null), total };
}

/** Executions of active items whose cancellation has ended: with them, or because the engine refused it. */
export async function listEnded(db: Kysely<Schema>, limit: number): Promise<Execution[]> {
  const rows = await db
    .selectFrom("batch_item")
    .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
    .selectAll("execution")
    .where("batch_item.state", "=", ACTIVE)
    .where((eb) => eb.or([eb("execution.live", "=", 0), eb.and([isLeftAlone(eb), wasCancelled(eb, true)])]))
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

/** The item's execution, if nobody ever asked to cancel it. */
export function untouched(eb: ExpressionBuilder<Schema, "batch_item">) {
  return eb
    .selectFrom("execution")
    .select("execution.rid")
    .whereRef("execution.rid", "=", "batch_item.execution_rid")
    .where((own) => own.and([isLeftAlone(own), wasCancelled(own, false)]));
}

/** True of an execution that nobody is cancelling, and that goes on. */
function isLeftAlone(eb: ExpressionBuilder<Schema, "execution">) {
  return eb("execution.state", "in", ["pending", "running"]);
}

function wasCancelled(eb: ExpressionBuilder<Schema, "execution">, was: boolean) {
  return eb("execution.cancellation_id", was ? "is not" : "is", null);
}

export async function findBatch(
  db: Kysely<Schema>,
  countItems: CountItems,
  tenant: string,
  key: string,
): Promise<BatchOperation | null> {
  const row = await selectSeen(db).where("tenant", "=", tenant).where("key", "=", key).executeTakeFirst();
  return row === undefined ? null : batchOf(row, await countItems(row));
}

export function newBatchOf(row: Omit<BatchRow, "state">): NewBatchOperation {
  const { tenant, key, principal, operation_reference } = row;
  return { tenant, key, principal, operationReference: operation_reference };
}

function batchOf(row: SeenBatchRow, items: BatchOperation["items"]): BatchOperation {
  const { state, created_at, started_at, ended_at } = row;
  return { ...newBatchOf(row), state, createdAt: created_at, startedAt: started_at, endedAt: ended_at, items };
}
