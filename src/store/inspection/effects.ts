/** Looks at the outbox: is what is owed carried out? */
import type { Kysely } from "kysely";
import type { Effect } from "../../domain/effect.ts";
import { nameOf } from "../../domain/refusals.ts";
import type { Millis } from "../../domain/time.ts";
import { EFFECT_CLAIM } from "../effect_claim.ts";
import type { Schema } from "../schema.ts";
import { type Check, MOST_FINDINGS, Tally } from "./finding.ts";

/** @param isServed while no server runs, everything may be due, and a start makes up for it */
export async function inspectEffects(db: Kysely<Schema>, now: Millis, isServed: boolean): Promise<Check> {
  const tally = new Tally(
    "effects",
    isServed ? "what is due is carried out" : "no server runs to carry out what is due",
  );
  const { count } = await db
    .selectFrom("effect")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  tally.look(count);
  if (!isServed) return tally.check;
  const late = await db
    .selectFrom("effect")
    .innerJoin("execution", "execution.rid", "effect.execution_rid")
    .select(["execution.tenant", "execution.kind", "execution.id", "effect.due_at", "effect.effect_json"])
    // One that a server took and forgot counts as due when its claim ends, and is late a claim later.
    .where("effect.due_at", "<", now - EFFECT_CLAIM)
    .orderBy("effect.due_at")
    .limit(MOST_FINDINGS)
    .execute();
  for (const { due_at, effect_json, ...key } of late) {
    const effect: Effect = JSON.parse(effect_json);
    const seconds = Math.round((now - due_at) / 1000);
    tally.find(`${nameOf(key)} of tenant ${key.tenant}`, `its effect ${effect.type} is overdue by ${seconds} s`);
  }
  return tally.check;
}
