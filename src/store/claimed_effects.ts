/** What becomes of effects that were claimed and not carried out by a command. The same over every database. */
import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

type ClaimedEffects = Pick<Store, "postponeEffect" | "returnEffects" | "dropEffect">;

export function claimedEffects(db: Kysely<Schema>): ClaimedEffects {
  return {
    postponeEffect: async (id, dueAt, attempts) => {
      await db.updateTable("effect").set({ claimed: 0, due_at: dueAt, attempts }).where("id", "=", id).execute();
    },
    returnEffects: async (ids, dueAt) => {
      await db.updateTable("effect").set({ claimed: 0, due_at: dueAt }).where("id", "in", ids).execute();
    },
    dropEffect: async (id) => {
      await db.deleteFrom("effect").where("id", "=", id).execute();
    },
  };
}
