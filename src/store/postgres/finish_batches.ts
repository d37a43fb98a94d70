/** Ends the batch operations that have no item left to wait for. */
import type { Transaction } from "kysely";
import type { Millis } from "../../domain/time.ts";
import { itemsIn } from "../batch_operation_rows.ts";
import type { Schema } from "../schema.ts";

export async function finishBatches(db: Transaction<Schema>, now: Millis): Promise<void> {
  await db
    .updateTable("batch_operation")
    .set((eb) => ({ state: "completed", started_at: eb.fn.coalesce("started_at", eb.val(now)), ended_at: now }))
    .where("ended_at", "is", null)
    .where("state", "in", ["created", "active"])
    .where((eb) => eb.not(eb.exists(itemsIn(eb, ["pending", "active"]))))
    .execute();
}
