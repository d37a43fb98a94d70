/** The reads of a store. The same over every database. */
import type { Kysely } from "kysely";
import { listInstancesOfWorkflow } from "./numbered_pages.ts";
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
} from "./reads.ts";
import { findAnswer } from "./record_answer.ts";
import type { Schema } from "./schema.ts";
import { type SearchSql, searchProcessInstances } from "./search_process_instances.ts";
import type { Store } from "./store.ts";
import { listWindow } from "./windows.ts";

type StoreReads = Pick<
  Store,
  | "findAnswer"
  | "findExecution"
  | "findCancellation"
  | "listExecutions"
  | "searchProcessInstances"
  | "listInstancesOfWorkflow"
  | "listWindow"
  | "listCancellations"
  | "listEvents"
  | "lastSequence"
  | "lastSequences"
  | "listHeldBy"
  | "listOpenListenerJobs"
  | "nextListenerJobAt"
  | "listLiveChildren"
  | "nextEffectAt"
>;

export function storeReads(db: Kysely<Schema>, dialect: SearchSql): StoreReads {
  return {
    findAnswer: (key, idempotency) => findAnswer(db, key, idempotency),
    findExecution: (key) => findExecution(db, key),
    findCancellation: (tenant, cancellationId) => findCancellation(db, tenant, cancellationId),
    listExecutions: (tenant, filter, page) => listExecutions(db, tenant, filter, page),
    searchProcessInstances: (tenant, search) => searchProcessInstances(db, dialect, tenant, search),
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
  };
}
