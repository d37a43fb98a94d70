/** Cancels the next items of a batch operation, and notes what became of them, in one transaction. */
import { Refused } from "../../domain/refusal.ts";
import { newBatchOf } from "../batch_operation_rows.ts";
import type { BatchOperations } from "../batch_operations.ts";
import {
  cancelledItems,
  cancelOfItem,
  endOfCancel,
  type ItemPlace,
  placeOf,
  UNABLE,
  unableToCancel,
} from "../item_cancels.ts";
import type { Applied } from "../store.ts";
import type { BatchStatements, ItemRow } from "./batch_statements.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type { Transact } from "./transact.ts";

export interface CancelNextOptions {
  readonly statements: BatchStatements;
  readonly transact: Transact;
  /** Writes the cancels, as it writes all commands; within the transaction that is under way. */
  readonly batches: BatchWriter;
}

export function cancelNext({ statements, transact, batches }: CancelNextOptions): BatchOperations["cancelNext"] {
  return (cancellationIds, now) =>
    transact(() => {
      const row = statements.findNextBatch.get({});
      if (row === undefined) {
        // One that was resumed may have had nothing left to do.
        statements.finishBatches.run({ now });
        return null;
      }
      const batch = newBatchOf(row);
      const items = statements.listPendingItems.all({ rid: row.rid, limit: cancellationIds.length });
      const envelopes = items.flatMap(({ tenant, kind, id }, index) => {
        const cancellationId = cancellationIds[index];
        return cancellationId === undefined ? [] : [cancelOfItem(batch, { tenant, kind, id }, cancellationId)];
      });
      const finish = (places: readonly ItemPlace[]): void => {
        moveItems(statements, row.rid, items, places);
        statements.startBatch.run({ rid: row.rid, now });
        statements.finishBatches.run({ now });
      };
      let applied: readonly Applied[];
      try {
        applied = batches.apply(envelopes, now);
      } catch (error) {
        const [only, ...others] = envelopes;
        if (only === undefined || others.length > 0 || error instanceof Refused) throw error;
        finish([placeOf(UNABLE, now)]);
        return unableToCancel(batch.key, only.key, error);
      }
      const ends = applied.map(endOfCancel);
      finish(ends.map((end) => placeOf(end, now)));
      return cancelledItems(batch.key, applied, ends);
    });
}

/** Most items of a chunk come to the same, and one statement moves those. */
function moveItems(
  statements: BatchStatements,
  rid: number,
  items: readonly ItemRow[],
  places: readonly ItemPlace[],
): void {
  const first = items[0]?.execution_rid;
  const last = items.at(-1)?.execution_rid;
  const usual = usualOf(places);
  if (first === undefined || last === undefined || usual === null) return;
  for (const [index, { execution_rid }] of items.entries()) {
    const place = places[index];
    if (place !== undefined && !isSame(place, usual)) statements.moveItem.run({ rid, execution_rid, ...place });
  }
  statements.moveItemsBetween.run({ rid, first, last, ...usual });
}

function usualOf(places: readonly ItemPlace[]): ItemPlace | null {
  const [first] = places;
  if (first === undefined) return null;
  const other = places.find((place) => !isSame(place, first));
  const isFirst = other === undefined || places.filter((place) => isSame(place, first)).length * 2 >= places.length;
  return isFirst ? first : other;
}

function isSame(one: ItemPlace, other: ItemPlace): boolean {
  return one.state === other.state && one.message === other.message;
}
