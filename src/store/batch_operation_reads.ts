/** What is read about batch operations. The same over every database. */
import type { Kysely } from "kysely";
import { listBatchItems } from "./batch_operation_lists.ts";
import { findBatch, hasActive, listBatches, listEnded } from "./batch_operation_rows.ts";
import type { BatchOperations } from "./batch_operations.ts";
import { createItemCounter } from "./count_items.ts";
import type { Schema } from "./schema.ts";

type BatchOperationReads = Pick<BatchOperations, "find" | "list" | "listItems" | "listEnded" | "hasActive">;

export function batchOperationReads(db: Kysely<Schema>): BatchOperationReads {
  const countItems = createItemCounter(db);
  return {
    find: (tenant, key) => findBatch(db, countItems, tenant, key),
    list: (tenant, filter, slice) => listBatches(db, countItems, tenant, filter, slice),
    listItems: (tenant, filter, slice) => listBatchItems(db, tenant, filter, slice),
    listEnded: (limit) => listEnded(db, limit),
    hasActive: () => hasActive(db),
  };
}
