/** Lists of batch operations and of their items. */
import type { Kysely, SelectQueryBuilder } from "kysely";
import type { BatchItemState, BatchState } from "../domain/batch_operation.ts";
import type { ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";

import type { Schema } from "./schema.ts";

/** The state of a row whose items are not all there yet. */
export const PREPARING = "preparing";

export interface BatchFilter {
  /** Null: all. */
  readonly keys: readonly string[] | null;
  readonly states: readonly BatchState[] | null;
}

export interface BatchItemFilter {
  /** Null: all. */
  readonly batchKeys: readonly string[] | null;
  readonly executionIds: readonly string[] | null;
  readonly states: readonly BatchItemState[] | null;
}

/** A part of a list: so many, from this position on. */
export interface Slice {
  readonly from: number;
  readonly limit: number;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** In the whole list. */
  readonly total: number;
}

export interface BatchItem {
  readonly batchKey: string;
  readonly key: ExecutionKey;
  readonly state: BatchItemState;
  /** Why it failed. */
  readonly message: string | null;
  readonly processedAt: Millis | null;
}

/** The keys of batch operations, the newest first. */
export async function listBatchKeys(
  db: Kysely<Schema>,
  tenant: string,
  { keys, states }: BatchFilter,
  { from, limit }: Slice,
): Promise<Listed<string>> {
  let matching: SelectQueryBuilder<Schema, "batch_operation", object> = db
    .selectFrom("batch_operation")
    .where("tenant", "=", tenant)
    .where("state", "!=", PREPARING);
  if (keys !== null) matching = matching.where("key", "in", keys);
  if (states !== null) matching = matching.where("state", "in", states);
  const rows = await matching.select("key").orderBy("rid", "desc").limit(limit).offset(from).execute();
  const { total } = await matching.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  return { items: rows.map(({ key }) => key), total };
}

/** Items of batch operations, in the order in which their turn comes. */
export async function listBatchItems(
  db: Kysely<Schema>,
  tenant: string,
  { batchKeys, executionIds, states }: BatchItemFilter,
  { from, limit }: Slice,
): Promise<Listed<BatchItem>> {
  let matching = db
    .selectFrom("batch_item")
    .innerJoin("batch_operation", "batch_operation.rid", "batch_item.batch_rid")
    .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
    .where("batch_operation.tenant", "=", tenant)
    .where("batch_operation.state", "!=", PREPARING);
  if (batchKeys !== null) matching = matching.where("batch_operation.key", "in", batchKeys);
  if (executionIds !== null) matching = matching.where("execution.id", "in", executionIds);
  if (states !== null) matching = matching.where("batch_item.state", "in", states);
  const rows = await matching
    .select(["batch_operation.key as batch_key", "execution.tenant", "execution.kind", "execution.id"])
    .select(["batch_item.state", "batch_item.message", "batch_item.processed_at"])
    .orderBy("batch_item.batch_rid")
    .orderBy("batch_item.execution_rid")
    .limit(limit)
    .offset(from)
    .execute();
  const { total } = await matching.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  const items = rows.map(
    ({ batch_key, tenant: owner, kind, id, state, message, processed_at }): BatchItem => ({
      batchKey: batch_key,
      key: { tenant: owner, kind, id },
      state,
      message,
      processedAt: processed_at,
    }),
  );
  return { items, total };
}
