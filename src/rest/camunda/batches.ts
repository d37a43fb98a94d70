/** Camunda's batch operations: cancel many process instances by a filter, watch that, steer it. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Millis } from "../../domain/time.ts";
import { idempotencyOfHeader } from "../../rpc/idempotency.ts";
import type { BatchItem, BatchOperation, ProcessInstanceFilter, Service } from "../../service/service.ts";
import type { RestAnswer, RestContext, RestRequest, Route } from "../dialect.ts";
import {
  BATCH_STATE_NAMES,
  BATCH_TYPE,
  batchSearchOf,
  ITEM_STATE_NAMES,
  itemSearchOf,
  pageJson,
} from "./batch_searches.ts";
import { processInstanceFilterOf } from "./filter.ts";
import { invalidField, keyOf, objectOf, operationReferenceOf } from "./json_fields.ts";

export const batchRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v2/process-instances/cancellation",
    body: "optional_json",
    success: 200,
    rank: "critical",
    scopes: ["cancel:process_instance"],
    audited: () => ({ action: "CreateBatchOperation", execution: null }),
    handle: create,
  },
  {
    method: "GET",
    path: "/v2/batch-operations/:key",
    body: "none",
    success: 200,
    rank: "read",
    scopes: ["executions:read"],
    handle: show,
  },
  {
    method: "POST",
    path: "/v2/batch-operations/search",
    body: "optional_json",
    success: 200,
    rank: "list",
    scopes: ["executions:read"],
    handle: search,
  },
  {
    method: "POST",
    path: "/v2/batch-operation-items/search",
    body: "optional_json",
    success: 200,
    rank: "list",
    scopes: ["executions:read"],
    handle: searchItems,
  },
  steering("cancellation", "CancelBatchOperation", (service) => service.cancelBatchOperation),
  steering("suspension", "SuspendBatchOperation", (service) => service.suspendBatchOperation),
  steering("resumption", "ResumeBatchOperation", (service) => service.resumeBatchOperation),
];

async function create(request: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const { body, caller, headers, beginAudit } = request;
  const { tenant, principal } = caller;
  const { filter: json, operationReference } = objectOf(body, "body");
  if (json === undefined || json === null) throw invalidField("", "No filter provided.");
  const filter = processInstanceFilterOf(json, tenant);
  const { tenantId = null } = objectOf(json, "filter");
  // Everything is cancelled only for those who say so, by naming their tenant.
  if (selectsEverything(filter) && tenantId === null) {
    throw invalidField("", "At least one of filter criteria is required.");
  }
  const reference = operationReferenceOf(operationReference)?.toString() ?? null;
  const batchOperationKey = await service.createBatchOperation({
    tenant,
    principal,
    filter,
    operationReference: reference,
    idempotency: idempotencyOfHeader(headers, principal, "CreateBatchOperation", { filter: json, reference }),
    audit: beginAudit(),
  });
  return { body: { batchOperationKey, batchOperationType: BATCH_TYPE } };
}

function selectsEverything({ anyOf, ...always }: ProcessInstanceFilter): boolean {
  const isEmpty = ({ conditions, tags }: Pick<ProcessInstanceFilter, "conditions" | "tags">): boolean =>
    conditions.length === 0 && tags.length === 0;
  return isEmpty(always) && (anyOf.length === 0 || anyOf.some(isEmpty));
}

async function show({ params, caller }: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const batch = await service.getBatchOperation(caller.tenant, keyOf(params["key"], "batchOperationKey"));
  return { body: batchJson(batch) };
}

async function search({ body, caller }: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const { filter, slice } = batchSearchOf(body);
  const { items, total } = await service.listBatchOperations(caller.tenant, filter, slice);
  return { body: { items: items.map(batchJson), page: pageJson(slice, items.length, total) } };
}

async function searchItems({ body, caller }: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const { filter, slice } = itemSearchOf(body);
  const { items, total } = await service.listBatchItems(caller.tenant, filter, slice);
  return { body: { items: items.map(itemJson), page: pageJson(slice, items.length, total) } };
}

type Steer = Service["suspendBatchOperation"];

/** POST …/{verb}: changes how a batch operation goes on. */
function steering(verb: string, action: string, pick: (service: Service) => Steer): Route {
  return {
    method: "POST",
    path: `/v2/batch-operations/:key/${verb}`,
    body: "none",
    success: 204,
    rank: "write",
    scopes: ["cancel:process_instance"],
    audited: () => ({ action, execution: null }),
    handle: async ({ params, caller, headers, beginAudit }, { service }) => {
      const key = keyOf(params["key"], "batchOperationKey");
      // The path says all that is asked for.
      const idempotency = idempotencyOfHeader(headers, caller.principal, action, null);
      await pick(service)(caller.tenant, key, beginAudit(), idempotency);
      return {};
    },
  };
}

function batchJson({ key, state, principal, startedAt, endedAt, items }: BatchOperation): JsonObject {
  return {
    batchOperationKey: key,
    batchOperationType: BATCH_TYPE,
    state: BATCH_STATE_NAMES[state],
    startDate: dateOf(startedAt),
    endDate: dateOf(endedAt),
    actorType: null,
    actorId: principal,
    operationsTotalCount: Object.values(items).reduce((sum, count) => sum + count, 0),
    operationsFailedCount: items.failed,
    operationsCompletedCount: items.completed,
    // What Camunda tells here can't happen: the items are chosen in the transaction that makes the batch operation.
    errors: [],
  };
}

function itemJson({ batchKey, key, state, message, processedAt }: BatchItem): JsonObject {
  return {
    operationType: BATCH_TYPE,
    batchOperationKey: batchKey,
    itemKey: key.id,
    processInstanceKey: key.id,
    // Only roots are items.
    rootProcessInstanceKey: key.id,
    state: ITEM_STATE_NAMES[state],
    processedDate: dateOf(processedAt),
    errorMessage: message,
  };
}

function dateOf(time: Millis | null): JsonValue {
  return time === null ? null : new Date(time).toISOString();
}
