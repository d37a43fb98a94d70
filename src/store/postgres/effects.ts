/** The outbox over PostgreSQL: several replicas take effects from it, each another one's. */
import { type Kysely, sql } from "kysely";
import type { ExecutionKey } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { claimedEffects } from "../claimed_effects.ts";
import { effectOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import type { Store, StoredEffect } from "../store.ts";

type Effects = Pick<Store, "claimEffects" | "postponeEffect" | "returnEffects" | "dropEffect">;

type ClaimedRow = ExecutionKey & {
  readonly effect_id: number;
  readonly attempts: number;
  readonly effect_json: string;
};

export function createPostgresEffects(db: Kysely<Schema>): Effects {
  return {
    claimEffects: async (now: Millis, until: Millis, limit: number): Promise<readonly StoredEffect[]> => {
      const { rows } = await sql<ClaimedRow>`
        with due as (
          select id from effect where due_at <= ${now}
          order by due_at limit ${limit}
          for update skip locked
        )
        update effect set claimed = 1, due_at = ${until}
        from due, execution
        where effect.id = due.id and execution.rid = effect.execution_rid
        returning effect.id as effect_id, effect.attempts, effect.effect_json, execution.tenant, execution.kind, execution.id
      `.execute(db);
      return rows.map(({ effect_id, attempts, effect_json, ...key }) =>
        effectOf({ id: effect_id, attempts, effect_json }, key),
      );
    },
    ...claimedEffects(db),
  };
}
