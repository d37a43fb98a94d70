/** The store over SQLite: batches on the writing connection, reads on the other. */
import type { Database } from "better-sqlite3";
import { type Kysely, sql } from "kysely";
import type { BatchOperations } from "../batch_operations.ts";
import { listInstancesOfWorkflow } from "../numbered_pages.ts";
import {
  findCancellation,
  findExecution,
  lastSequence,
  listCancellations,
  listEvents,
  listExecutions,
  listHeldBy,
  listLiveChildren,
  listOpenListenerJobs,
  nextEffectAt,
  nextListenerJobAt,
} from "../reads.ts";
import { recordAnswer } from "../record_answer.ts";
import { effectOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { searchProcessInstances } from "../search_process_instances.ts";
import type { Store, StoredEffect } from "../store.ts";
import { listWindow } from "../windows.ts";
import type { BatchWriter } from "./batch_writer.ts";

export interface SqliteConnections {
  readonly writing: Kysely<Schema>;
  readonly reading: Kysely<Schema>;
  readonly batches: BatchWriter;
  readonly batchOperations: BatchOperations;
  readonly lock: Database;
}

export function createSqliteStore({ writing, reading, batches, batchOperations, lock }: SqliteConnections): Store {
  return {
    batchOperations,

    apply: async (envelopes, now) => batches.apply(envelopes, now),
    recordAnswer: (key, idempotency, answer) => recordAnswer(writing, key, idempotency, answer),

    findExecution: (key) => findExecution(reading, key),
    findCancellation: (tenant, cancellationId) => findCancellation(reading, tenant, cancellationId),
    listExecutions: (tenant, filter, page) => listExecutions(reading, tenant, filter, page),
    searchProcessInstances: (tenant, search) => searchProcessInstances(reading, tenant, search),
    listInstancesOfWorkflow: (tenant, workflowId, page) => listInstancesOfWorkflow(reading, tenant, workflowId, page),
    listWindow: (tenant, kind, window) => listWindow(reading, tenant, kind, window),
    listCancellations: (tenant, filter, page) => listCancellations(reading, tenant, filter, page),
    listEvents: (filter) => listEvents(reading, filter),
    lastSequence: () => lastSequence(reading),
    listHeldBy: (tenant, workerId) => listHeldBy(reading, tenant, workerId),
    listOpenListenerJobs: (tenant, types, now, limit) => listOpenListenerJobs(reading, tenant, types, now, limit),
    nextListenerJobAt: (tenant, types) => nextListenerJobAt(reading, tenant, types),
    listLiveChildren: (parent, after, limit) => listLiveChildren(reading, parent, after, limit),
    nextEffectAt: () => nextEffectAt(reading),

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
    postponeEffect: async (id, dueAt, attempts) => {
      await writing.updateTable("effect").set({ claimed: 0, due_at: dueAt, attempts }).where("id", "=", id).execute();
    },
    dropEffect: async (id) => {
      await writing.deleteFrom("effect").where("id", "=", id).execute();
    },

    close: async () => {
      await reading.destroy();
      await writing.destroy();
      lock.close();
    },
  };
}

/** A column of the execution that owes the effect, for a `returning` clause. */
function ownerColumn(name: "tenant" | "kind" | "id") {
  return sql<string>`(select ${sql.ref(`owner.${name}`)} from execution as owner where owner.rid = effect.execution_rid)`;
}
