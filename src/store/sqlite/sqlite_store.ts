/** The store over SQLite: batches on the writing connection, reads on the other. */
import { type Kysely, sql } from "kysely";
import type { ApiKeys } from "../api_keys.ts";
import type { AuditLog } from "../audit.ts";
import type { BatchOperations } from "../batch_operations.ts";
import { claimedEffects } from "../claimed_effects.ts";
import type { Faults } from "../faults.ts";
import { forgetCommands } from "../forget_commands.ts";
import type { Guard } from "../guard.ts";
import type { Pruning } from "../pruning.ts";
import { recordAnswer } from "../record_answer.ts";
import { effectOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import type { Store, StoredEffect } from "../store.ts";
import type { StoreHealth } from "../store_health.ts";
import { storeReads } from "../store_reads.ts";
import type { BatchWriter } from "./batch_writer.ts";
import { SQLITE_SEARCH } from "./search_sql.ts";

export interface SqliteConnections {
  readonly writing: Kysely<Schema>;
  readonly reading: Kysely<Schema>;
  readonly batches: BatchWriter;
  readonly batchOperations: BatchOperations;
  readonly apiKeys: ApiKeys;
  readonly audit: AuditLog;
  readonly pruning: Pruning;
  readonly health: StoreHealth;
  readonly guard: Guard;
  /** Closes all of them. */
  readonly close: () => void;
  readonly faults: Faults | undefined;
}

export function createSqliteStore(connections: SqliteConnections): Store {
  const { writing, reading, batches, health, close, faults } = connections;
  const { guard } = connections.guard;
  return guard<Store>({
    batchOperations: guard(connections.batchOperations),
    apiKeys: guard(connections.apiKeys),
    audit: guard(connections.audit),
    pruning: guard(connections.pruning),
    health,
    notices: null,

    apply: async (envelopes, now) => {
      // A transaction here is one step of the program: nothing can happen between its begin and its commit but the end of the process.
      if (faults !== undefined) await faults.reach("store.before_commit");
      const applied = batches.apply(envelopes, now);
      if (faults !== undefined) await faults.reach("store.after_commit");
      return applied;
    },
    recordAnswer: (key, idempotency, answer) => recordAnswer(writing, key, idempotency, answer),
    forgetCommands: (before, place, limit) => forgetCommands(writing, before, place, limit),

    ...storeReads(reading, SQLITE_SEARCH),

    claimEffects: async (now, until, limit) => {
      const due = writing.selectFrom("effect").select("id").where("due_at", "<=", now).orderBy("due_at").limit(limit);
      const claimed = await writing
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
      return claimed.map(
        (row): StoredEffect => effectOf(row, { tenant: row.tenant, kind: row.kind, id: row.execution_id }),
      );
    },
    ...claimedEffects(writing),

    close: async () => {
      await reading.destroy();
      await writing.destroy();
      close();
    },
  });
}

/** A column of the execution that owes the effect, for a `returning` clause. */
function ownerColumn(name: "tenant" | "kind" | "id") {
  return sql<string>`(select ${sql.ref(`owner.${name}`)} from execution as owner where owner.rid = effect.execution_rid)`;
}
