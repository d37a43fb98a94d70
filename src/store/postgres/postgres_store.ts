/** The store over PostgreSQL. */
import type { Kysely } from "kysely";
import type { Millis } from "../../domain/time.ts";
import type { AuditLog } from "../audit.ts";
import type { Faults } from "../faults.ts";
import { forgetCommands } from "../forget_commands.ts";
import type { Guard } from "../guard.ts";
import { listAuditEvents } from "../list_audit_events.ts";
import { listInstancesOfWorkflow } from "../numbered_pages.ts";
import {
  findCancellation,
  findExecution,
  lastSequence,
  lastSequences,
  listCancellations,
  listEvents,
  listExecutions,
  listHeldBy,
  listLiveChildren,
  listOpenListenerJobs,
  nextEffectAt,
  nextListenerJobAt,
} from "../reads.ts";
import { findAnswer, recordAnswer } from "../record_answer.ts";
import type { Schema } from "../schema.ts";
import { searchProcessInstances } from "../search_process_instances.ts";
import type { Store } from "../store.ts";
import { listWindow } from "../windows.ts";
import { createPostgresApiKeys } from "./api_keys.ts";
import { appendAudit } from "./append_audit.ts";
import { createPostgresBatchOperations } from "./batch_operations.ts";
import { applyBatch } from "./batch_writer.ts";
import { createPostgresEffects } from "./effects.ts";
import type { NoticeListener } from "./listener.ts";
import { sendNotice } from "./notices.ts";
import { createPostgresPruning } from "./pruning.ts";
import type { Pulse } from "./pulse.ts";
import { POSTGRES_SEARCH } from "./search_sql.ts";

export interface PostgresStoreOptions {
  readonly db: Kysely<Schema>;
  /** The name by which this process tells its own notices. */
  readonly replica: string;
  readonly listener: NoticeListener;
  readonly pulse: Pulse;
  readonly guard: Guard;
  /** Whose clock counts where commands are decided: that of the database, or, for tests that drive it, that of the caller. */
  readonly clock: "database" | "caller";
  readonly effectClaim: Millis;
  readonly faults: Faults | undefined;
}

export function createPostgresStore(options: PostgresStoreOptions): Store {
  const { db, replica, listener, pulse, clock } = options;
  const { guard, onTrouble } = options.guard;
  return guard<Store>({
    batchOperations: guard(createPostgresBatchOperations(db)),
    apiKeys: guard(createPostgresApiKeys(db, replica)),
    audit: guard<AuditLog>({
      append: (entries, now) => db.transaction().execute((transaction) => appendAudit(transaction, entries, now)),
      list: (tenant, filter, afterNumber, limit) => listAuditEvents(db, tenant, filter, afterNumber, limit),
    }),
    pruning: guard(createPostgresPruning(db)),
    health: { check: () => pulse.feel(), onTrouble },
    notices: {
      send: (notice) => sendNotice(db, replica, notice),
      listen: (listen) => listener.listen(listen),
    },
    ...createPostgresEffects(db),

    apply: (envelopes, now) => applyBatch(db, options, envelopes, clock === "caller" ? now : null),
    recordAnswer: (key, idempotency, answer) => recordAnswer(db, key, idempotency, answer),
    findAnswer: (key, idempotency) => findAnswer(db, key, idempotency),
    forgetCommands: (before, place, limit) => forgetCommands(db, before, place, limit),

    findExecution: (key) => findExecution(db, key),
    findCancellation: (tenant, cancellationId) => findCancellation(db, tenant, cancellationId),
    listExecutions: (tenant, filter, page) => listExecutions(db, tenant, filter, page),
    searchProcessInstances: (tenant, search) => searchProcessInstances(db, POSTGRES_SEARCH, tenant, search),
    listInstancesOfWorkflow: (tenant, workflowId, page) => listInstancesOfWorkflow(db, tenant, workflowId, page),
    listWindow: (tenant, kind, window) => listWindow(db, tenant, kind, window),
    listCancellations: (tenant, filter, page) => listCancellations(db, tenant, filter, page),
    listEvents: (filter) => listEvents(db, filter),
    lastSequence: () => lastSequence(db),
    lastSequences: (keys) => lastSequences(db, keys),
    listHeldBy: (tenant, workerId) => listHeldBy(db, tenant, workerId),
    listOpenListenerJobs: (tenant, types, now, limit) => listOpenListenerJobs(db, tenant, types, now, limit),
    nextListenerJobAt: (tenant, types) => nextListenerJobAt(db, tenant, types),
    listLiveChildren: (parent, after, limit) => listLiveChildren(db, parent, after, limit),
    nextEffectAt: () => nextEffectAt(db),

    close: () => db.destroy(),
  });
}
