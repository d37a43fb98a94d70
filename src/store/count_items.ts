/** Counts the items of batch operations by their states. The same over every database. */
import type { Kysely, Selectable } from "kysely";
import type { BatchItemState } from "../domain/batch_operation.ts";
import type { Millis } from "../domain/time.ts";
import type { BatchOperationTable, Schema } from "./schema.ts";

type ItemCounts = Readonly<Record<BatchItemState, number>>;

/**
 * Counts those of one batch operation. While one of very many items goes on, the counts may be some moments old: whoever asks again and
 * again how far it is would keep it, and everybody else, waiting. Of one that has ended they are exact.
 */
export type CountItems = (batch: Pick<Selectable<BatchOperationTable>, "rid" | "ended_at">) => Promise<ItemCounts>;

/** A count that took no longer is made anew each time: some tens of thousands of items. */
const CHEAP: Millis = 2;

/** For how many times as long as it took a count is good. */
const GOOD_FOR = 20;

/** How many batch operations are remembered, at most. */
const REMEMBERED = 100;

interface Counted {
  readonly counts: ItemCounts;
  readonly goodUntil: Millis;
}

/** @param now a clock that never goes back */
export function createItemCounter(db: Kysely<Schema>, now: () => Millis = () => performance.now()): CountItems {
  const remembered = new Map<number, Counted>();
  return async ({ rid, ended_at }) => {
    const begun = now();
    const known = remembered.get(rid);
    if (known !== undefined && ended_at === null && begun < known.goodUntil) return known.counts;
    const counts = await countNow(db, rid);
    remembered.delete(rid);
    const counted = now();
    if (ended_at === null && counted - begun > CHEAP) {
      remembered.set(rid, { counts, goodUntil: counted + (counted - begun) * GOOD_FOR });
      const [oldest] = remembered.keys();
      if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    }
    return counts;
  };
}

async function countNow(db: Kysely<Schema>, rid: number): Promise<ItemCounts> {
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
