/** Looks at the batch operations and their items. */
import type { Kysely } from "kysely";
import type { BatchItemState } from "../../domain/batch_operation.ts";
import type { BatchRow } from "../batch_operation_rows.ts";
import type { Schema } from "../schema.ts";
import { type Check, MOST_FINDINGS, Tally } from "./finding.ts";

const PAGE = 200;

export async function inspectBatchOperations(db: Kysely<Schema>): Promise<Check> {
  const tally = new Tally("batch operations", "states agree with those of their items");
  let after = 0;
  for (;;) {
    const rows = await db
      .selectFrom("batch_operation")
      .selectAll()
      .where("rid", ">", after)
      .orderBy("rid")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) break;
    const counts = await db
      .selectFrom("batch_item")
      .select((eb) => ["batch_rid", "state", eb.fn.countAll<number>().as("count")])
      .where("batch_rid", ">", after)
      .where("batch_rid", "<=", last.rid)
      .groupBy(["batch_rid", "state"])
      .execute();
    const countsOf = Map.groupBy(counts, ({ batch_rid }) => batch_rid);
    for (const row of rows) {
      tally.look();
      const items = new Map(countsOf.get(row.rid)?.map(({ state, count }) => [state, count]));
      for (const what of faultsOf(row, items)) tally.find(`batch operation ${row.key} of tenant ${row.tenant}`, what);
    }
    after = last.rid;
  }
  await findWrongItems(db, tally);
  return tally.check;
}

function faultsOf({ state, ended_at }: BatchRow, items: ReadonlyMap<BatchItemState, number>): string[] {
  const hasEnded = state === "completed" || state === "cancelled";
  const pending = items.get("pending") ?? 0;
  const active = items.get("active") ?? 0;
  const faults: string[] = [];
  if (hasEnded !== (ended_at !== null)) faults.push(`it is ${state} and has ${ended_at === null ? "no" : "an"} end`);
  if (hasEnded && pending > 0) faults.push(`it is ${state} and has ${pending} pending items`);
  // What a cancelled one had begun with goes on.
  if (state === "completed" && active > 0) faults.push(`it is completed and has ${active} active items`);
  return faults;
}

/** Items that say that their execution's cancellation has ended while it has not. */
async function findWrongItems(db: Kysely<Schema>, tally: Tally): Promise<void> {
  const wrong = await db
    .selectFrom("batch_item")
    .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
    .innerJoin("batch_operation", "batch_operation.rid", "batch_item.batch_rid")
    .select(["batch_operation.key", "batch_operation.tenant", "execution.id"])
    .where("batch_item.state", "=", "completed")
    .where("execution.live", "=", 1)
    .limit(MOST_FINDINGS)
    .execute();
  for (const { key, tenant, id } of wrong) {
    tally.find(
      `batch operation ${key} of tenant ${tenant}`,
      `its item ${id} is completed, and the cancellation of it has not ended`,
    );
  }
}
