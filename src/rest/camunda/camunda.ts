/** Camunda 8's REST API for process instances: cancel, get, search, batch operations, tokens. */
import { CancellationService } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { basicOf, bearerOf } from "../../rpc/credentials.ts";
import { auditedCancel } from "../audited_cancel.ts";
import type { Dialect, RestAnswer, RestContext, RestRequest, Route } from "../dialect.ts";
import { batchRoutes } from "./batches.ts";
import { invalidField, keyOf, objectOf, operationReferenceOf } from "./json_fields.ts";
import { isTokenPath, tokenProblem, tokenRoutes } from "./oauth_token.ts";
import { problemDetail } from "./problem_detail.ts";
import { processInstanceJson } from "./process_instance.ts";
import { foundJson, searchOf } from "./search.ts";

/** Newer clients put the version before the path; the public description has none. */
const VERSIONS = ["/v2", ""];

export const CAMUNDA: Dialect = {
  name: "Camunda 8",
  prefixes: ["/v2/", "/process-instances/", "/oauth/", "/oauth2/"],
  routes: [...VERSIONS.flatMap(instanceRoutes), ...batchRoutes, ...tokenRoutes],
  cancel: CancellationService.method.cancelProcessInstance,
  credentials:
    "`Authorization: Basic` (the password is the key), or `Authorization: Bearer` with a key or a token of `POST /oauth/token`",
  secrets: (headers) => [...bearerOf(headers), ...basicOf(headers)],
  error: (problem, path) => (isTokenPath(path) ? tokenProblem(problem) : problemDetail(problem, path)),
};

function instanceRoutes(version: string): Route[] {
  const instances = `${version}/process-instances`;
  return [
    {
      method: "POST",
      path: `${instances}/:key/cancellation`,
      body: "optional_json",
      success: 204,
      rank: "critical",
      scopes: ["cancel:process_instance"],
      audited: auditedCancel(CancellationService.method.cancelProcessInstance, "process_instance", "key"),
      handle: cancelInstance,
    },
    {
      method: "GET",
      path: `${instances}/:key`,
      body: "none",
      success: 200,
      rank: "read",
      scopes: ["executions:read"],
      handle: getInstance,
    },
    {
      method: "POST",
      path: `${instances}/search`,
      body: "optional_json",
      success: 200,
      rank: "list",
      scopes: ["executions:read"],
      handle: searchInstances,
    },
  ];
}

async function cancelInstance({ params, body, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const processInstanceKey = instanceKeyOf(params);
  const { operationReference } = objectOf(body, "body");
  const reference = operationReferenceOf(operationReference);
  await calls.cancelProcessInstance(
    { processInstanceKey, ...(reference === undefined ? {} : { operationReference: reference }) },
    scope,
  );
  return {};
}

async function getInstance({ params, caller, scope }: RestRequest, { calls }: RestContext): Promise<RestAnswer> {
  const processInstanceKey = instanceKeyOf(params);
  const { processInstance } = await calls.getProcessInstance({ processInstanceKey }, scope);
  if (processInstance === undefined) throw invalidField("processInstanceKey", "names nothing");
  return { body: processInstanceJson(processInstance, caller.tenant) };
}

async function searchInstances({ body, caller }: RestRequest, { service }: RestContext): Promise<RestAnswer> {
  const { tenant } = caller;
  const found = await service.searchProcessInstances(tenant, searchOf(body, tenant));
  return { body: foundJson(found, tenant) };
}

function instanceKeyOf(params: Readonly<Record<string, string>>): string {
  return keyOf(params["key"], "processInstanceKey");
}
