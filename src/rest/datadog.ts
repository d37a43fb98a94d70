/** Datadog's API of workflow instances: cancel, get, list. Its clients read only 400, 403, 404 and 429. */
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { type RateMetadata, type RateStanding, rateMetadata } from "../gate/rate_limits.ts";
import type { Scope } from "../gate/scope.ts";
import { stateOfMessage } from "../rpc/convert/enums.ts";
import { datadogKeysOf } from "../rpc/credentials.ts";
import { failureToError } from "../rpc/errors.ts";
import { httpStatusOf } from "../rpc/http_status.ts";
import { auditedCancel } from "./audited_cancel.ts";
import type { Dialect, RestAnswer, RestContext, RestRequest, RestResponse } from "./dialect.ts";
import type { Problem } from "./problem.ts";
import { integerParameter } from "./query.ts";

const INSTANCES = "/api/v2/workflows/:workflow_id/instances";

/** What the product gives where the client names no size, and the most it gives. */
const DEFAULT_PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 100;

const READ: readonly Scope[] = ["executions:read"];

export const DATADOG: Dialect = {
  name: "Datadog",
  prefixes: ["/api/v2/workflows/"],
  routes: [
    {
      method: "PUT",
      path: `${INSTANCES}/:instance_id/cancel`,
      body: "none",
      success: 200,
      rank: "critical",
      scopes: ["cancel:workflow_instance"],
      audited: auditedCancel(CancellationService.method.cancelWorkflowInstance, "workflow_instance", "instance_id"),
      handle: cancelInstance,
    },
    {
      method: "GET",
      path: `${INSTANCES}/:instance_id`,
      body: "none",
      success: 200,
      rank: "read",
      scopes: READ,
      handle: getInstance,
    },
    { method: "GET", path: INSTANCES, body: "none", success: 200, rank: "list", scopes: READ, handle: listInstances },
  ],
  cancel: CancellationService.method.cancelWorkflowInstance,
  credentials:
    "`DD-API-KEY` and `DD-APPLICATION-KEY`; cancelling takes the scope `cancel:workflow_instance`, which stands for their permission `workflows_run`",
  secrets: datadogKeysOf,
  error: errorResponse,
  standingHeaders,
};

async function cancelInstance({ params, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const { workflow_id: workflowId = "", instance_id: instanceId = "" } = params;
  const { id } = await calls.cancelWorkflowInstance({ workflowId, instanceId }, scope);
  return { body: { data: { id } } };
}

async function getInstance({ params, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const { workflow_id: workflowId = "", instance_id: id = "" } = params;
  const { workflowInstance } = await calls.getWorkflowInstance({ instanceId: id }, scope);
  if (workflowInstance?.detail?.workflowId !== workflowId) throw unknownInstance(workflowId, id);
  const state = workflowInstance.execution === undefined ? undefined : stateOfMessage(workflowInstance.execution.state);
  return { body: { data: { attributes: { id, state } } } };
}

async function listInstances({ params, query, caller }: RestRequest, context: RestContext): Promise<RestAnswer> {
  const { workflow_id: workflowId = "" } = params;
  const size = integerParameter(query, "page[size]", { min: 1, max: MAX_PAGE_SIZE, otherwise: DEFAULT_PAGE_SIZE });
  const number = integerParameter(query, "page[number]", { min: 0, max: 1_000_000_000, otherwise: 0 });
  const { items, total } = await context.service.listInstancesOfWorkflow(caller.tenant, workflowId, {
    size,
    number,
  });
  const data = items.map(({ key, state }) => ({ id: key.id, attributes: { state } }));
  return { body: { data, meta: { page: { totalCount: total } } } };
}

/** The instance of another workflow is not there under this one. */
function unknownInstance(workflowId: string, id: string): Error {
  const message = `workflow '${workflowId}' has no instance '${id}'`;
  const metadata = { kind: "workflow_instance", id };
  return failureToError(
    { reason: "execution_not_found", message, metadata },
    ExecutionService.method.getWorkflowInstance,
  );
}

function errorResponse(problem: Problem): RestResponse {
  const status = statusOf(problem);
  const errors =
    problem.violations.length > 0
      ? problem.violations.map(({ field, description }) => `${field} ${description}`.trim())
      : [problem.message];
  const limit = status === 429 ? rateLimitHeaders(problem) : {};
  return { status, headers: { ...problem.headers, ...limit }, body: { errors } };
}

function statusOf({ code, reason, status }: Problem): number {
  const documented = status ?? httpStatusOf(CancellationService.method.cancelWorkflowInstance, code, reason);
  switch (documented) {
    case 401:
      return 403;
    case 409:
    case 422:
      return 400;
    default:
      return documented;
  }
}

/** The client waits for `reset` seconds and does not look at `retry-after`. An overload is told like a limit without a number. */
function rateLimitHeaders({ headers, metadata }: Problem): Record<string, string> {
  const reset = headers["retry-after"] ?? "1";
  const { limit = "0", period = reset, remaining = "0", name = "workflow_instances" } = metadata;
  return { ...headersOf({ limit, period, remaining, reset, name }), "retry-after": reset };
}

/** As documented, limited endpoints tell with every answer how close the caller is to the limit. */
function standingHeaders(standing: RateStanding): Record<string, string> {
  return headersOf(rateMetadata(standing));
}

function headersOf({ limit, period, remaining, reset, name }: RateMetadata): Record<string, string> {
  return {
    "x-ratelimit-limit": limit,
    "x-ratelimit-period": period,
    "x-ratelimit-remaining": remaining,
    "x-ratelimit-reset": reset,
    "x-ratelimit-name": name,
  };
}
