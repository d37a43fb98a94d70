/** Windows: pages before or after a known item, in either order. */
import type { Kysely } from "kysely";
import type { Execution, ExecutionKey, Kind } from "../domain/execution.ts";
import { withQueueItems } from "./reads.ts";
import type { Schema } from "./schema.ts";
import type { Window, WindowRequest } from "./store.ts";

/** Executions of a kind; null if there is none with the cursor's id. */
export async function listWindow(
  db: Kysely<Schema>,
  tenant: string,
  kind: Kind,
  { order, size, cursor }: WindowRequest,
): Promise<Window<Execution> | null> {
  const isBackwards = cursor?.side === "before";
  // A window before an item is read backwards from it, and turned round in the end.
  const goesDown = (order === "newest_first") !== isBackwards;
  let query = db.selectFrom("execution").selectAll().where("tenant", "=", tenant).where("kind", "=", kind);
  if (cursor !== null) {
    const place = await placeOf(db, { tenant, kind, id: cursor.id });
    if (place === undefined) return null;
    query = query.where((eb) =>
      eb(eb.refTuple("created_at", "rid"), goesDown ? "<" : ">", eb.tuple(place.created_at, place.rid)),
    );
  }
  const direction = goesDown ? "desc" : "asc";
  const rows = await query
    .orderBy("created_at", direction)
    .orderBy("rid", direction)
    .limit(size + 1)
    .execute();
  const goesOn = rows.length > size;
  const shown = rows.slice(0, size);
  const items = await withQueueItems(db, isBackwards ? shown.reverse() : shown);
  return isBackwards
    ? { items, hasBefore: goesOn, hasAfter: true }
    : { items, hasBefore: cursor !== null, hasAfter: goesOn };
}

function placeOf(db: Kysely<Schema>, { tenant, kind, id }: ExecutionKey) {
  return db
    .selectFrom("execution")
    .select(["created_at", "rid"])
    .where("tenant", "=", tenant)
    .where("kind", "=", kind)
    .where("id", "=", id)
    .executeTakeFirst();
}
