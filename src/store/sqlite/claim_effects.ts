/** Hands out effects that are due. */
import { type Kysely, sql } from "kysely";
import type { Millis } from "../../domain/time.ts";
import { effectOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import type { StoredEffect } from "../store.ts";

/** See `Store.claimEffects`. */
export async function claimEffects(
  db: Kysely<Schema>,
  now: Millis,
  until: Millis,
  limit: number,
): Promise<StoredEffect[]> {
  const due = db.selectFrom("effect").select("id").where("due_at", "<=", now).orderBy("due_at").limit(limit);
  const claimed = await db
    .updateTable("effect")
    .set({ claimed: 1, due_at: until })
    .where("id", "in", due)
    .returning([
      "effect.id",
      "effect.attempts",
      "effect.effect_json",
      ownerColumn("tenant").as("tenant"),
      sql<Schema["execution"]["kind"]>`${ownerColumn("kind")}`.as("kind"),
      ownerColumn("id").as("execution_id"),
    ])
    .execute();
  return claimed.map((row) => effectOf(row, { tenant: row.tenant, kind: row.kind, id: row.execution_id }));
}

/** A column of the execution that owes the effect, for a `returning` clause. */
function ownerColumn(name: "tenant" | "kind" | "id") {
  return sql<string>`(select ${sql.ref(`owner.${name}`)} from execution as owner where owner.rid = effect.execution_rid)`;
}

/**
 * What a process that died had claimed is due again.
 *
 * @param effectClaim how long a claim holds: so claimed effects are among those that are due soon, and the others need no look
 */
export async function releaseClaims(db: Kysely<Schema>, effectClaim: Millis): Promise<void> {
  const now = Date.now();
  await db
    .updateTable("effect")
    .set({ claimed: 0, due_at: now })
    .where("claimed", "=", 1)
    .where("due_at", "<=", now + effectClaim)
    .execute();
}
