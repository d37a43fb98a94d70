/** Retab's API of workflow runs: cancel, get, list. */
import type { JsonValue } from "@bufbuild/protobuf";
import {
  CancellationService,
  type CancelWorkflowRunResponse,
  RunCancellationStatus,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { Scope } from "../gate/scope.ts";
import { workflowRunMessage } from "../rpc/convert/workflow_run.ts";
import { bearerOf, keyHeaderOf } from "../rpc/credentials.ts";
import { invalidRequest } from "../rpc/errors.ts";
import { httpStatusOf } from "../rpc/http_status.ts";
import { requestOfJson } from "../rpc/json_request.ts";
import type { WindowRequest } from "../service/service.ts";
import { auditedCancel } from "./audited_cancel.ts";
import type { Dialect, RestAnswer, RestContext, RestRequest, RestResponse } from "./dialect.ts";
import { nameOfCode, type Problem } from "./problem.ts";
import { integerParameter, wordParameter } from "./query.ts";
import { runJson } from "./retab/run.ts";

const RUNS = "/v1/workflows/runs";

/** Its clients ask for 20 themselves. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The product takes no reason, and says this for every run that was cancelled through it. */
const REASON = "user requested cancellation";

const READ: readonly Scope[] = ["executions:read"];

export const RETAB: Dialect = {
  name: "Retab",
  prefixes: ["/v1/workflows/"],
  routes: [
    {
      method: "POST",
      path: `${RUNS}/:run_id/cancel`,
      body: "optional_json",
      success: 200,
      rank: "critical",
      scopes: ["cancel:workflow_run"],
      audited: auditedCancel(CancellationService.method.cancelWorkflowRun, "workflow_run", "run_id"),
      handle: cancelRun,
    },
    { method: "GET", path: `${RUNS}/:run_id`, body: "none", success: 200, rank: "read", scopes: READ, handle: getRun },
    { method: "GET", path: RUNS, body: "none", success: 200, rank: "list", scopes: READ, handle: listRuns },
  ],
  cancel: CancellationService.method.cancelWorkflowRun,
  credentials: "`Api-Key`, or `Authorization: Bearer`, or `?access_token=` where the server takes it",
  secrets: secretsOf,
  error: errorResponse,
};

/** A header of its own, then what newer clients send, then the query, for what can't set headers. */
function secretsOf(headers: Headers, query: URLSearchParams): readonly string[] {
  const styles = [keyHeaderOf(headers, "api-key"), bearerOf(headers), query.getAll("access_token").filter(Boolean)];
  return styles.find((secrets) => secrets.length > 0) ?? [];
}

async function cancelRun({ params, body, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const { method } = CancellationService;
  const { run_id = "" } = params;
  const request = requestOfJson(method.cancelWorkflowRun, { run_id, command_id: commandIdOf(body), reason: REASON });
  const answer = await calls.cancelWorkflowRun(request, scope);
  return { body: cancelJson(answer) };
}

/** As it was sent: whether it is a string is one of the contract's rules. */
function commandIdOf(body: JsonValue): JsonValue {
  if (body === null) return null;
  if (typeof body !== "object" || Array.isArray(body)) {
    throw invalidRequest([{ field: "", description: "the body must be a JSON object" }]);
  }
  return body["command_id"] ?? null;
}

function cancelJson({ run, cancellationStatus, redisAvailable }: CancelWorkflowRunResponse): object {
  return {
    run: run === undefined ? null : runJson(run),
    cancellation_status: CANCELLATION_STATUSES[cancellationStatus],
    redis_available: redisAvailable,
  };
}

const CANCELLATION_STATUSES: Readonly<Record<RunCancellationStatus, string>> = {
  [RunCancellationStatus.UNSPECIFIED]: "cancellation_requested",
  [RunCancellationStatus.CANCELLED]: "cancelled",
  [RunCancellationStatus.CANCELLATION_REQUESTED]: "cancellation_requested",
  [RunCancellationStatus.CANCELLATION_FAILED]: "cancellation_failed",
};

async function getRun({ params, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const { workflowRun } = await calls.getWorkflowRun({ runId: params["run_id"] ?? "" }, scope);
  return { body: workflowRun === undefined ? null : runJson(workflowRun) };
}

async function listRuns({ query, caller }: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const window: WindowRequest = {
    order: wordParameter(query, "order", ["asc", "desc"], "desc") === "desc" ? "newest_first" : "oldest_first",
    size: integerParameter(query, "limit", { min: 1, max: MAX_LIMIT, otherwise: DEFAULT_LIMIT }),
    cursor: cursorOf(query),
  };
  const { items, hasBefore, hasAfter } = await service.listWindow(caller.tenant, "workflow_run", window);
  const listMetadata = {
    before: hasBefore ? (items.at(0)?.key.id ?? null) : null,
    after: hasAfter ? (items.at(-1)?.key.id ?? null) : null,
  };
  const data = items.map((run) => runJson(workflowRunMessage(run)));
  return { body: { data, list_metadata: listMetadata } };
}

function cursorOf(query: URLSearchParams): WindowRequest["cursor"] {
  const after = query.get("after") ?? "";
  const before = query.get("before") ?? "";
  if (after !== "" && before !== "") {
    throw invalidRequest([{ field: "before", description: "can't be given together with after" }]);
  }
  if (after !== "") return { side: "after", id: after };
  return before === "" ? null : { side: "before", id: before };
}

function errorResponse(problem: Problem): RestResponse {
  const { code, reason, message, metadata, violations, headers } = problem;
  const violated = violations.map(({ field, description }) => ({ field, message: description }));
  const details = { ...metadata, ...(violated.length > 0 && { violations: violated }) };
  const detail = { code: reason === "" ? nameOfCode(code) : reason, message, details };
  return { status: statusOf(problem), headers, body: { detail } };
}

/** What can't be read and what is not valid are one thing to the product. */
function statusOf({ code, reason, status }: Problem): number {
  const documented = status ?? httpStatusOf(CancellationService.method.cancelWorkflowRun, code, reason);
  return documented === 400 ? 422 : documented;
}
