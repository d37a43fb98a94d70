/** The routes of the dialects as ways in, each with the headers of its product's clients. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { Dialect, Route } from "../../src/rest/dialect.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { problemOf } from "../../src/rest/problem.ts";
import { type AccessPoint, basic, bearer, type Headers } from "./access_points.ts";
import type { Belongings } from "./belongings.ts";
import { send } from "./loopback.ts";
import { datadog } from "./rpc_access.ts";
import { WORKFLOW_ID } from "./work.ts";

/** As contracts of the products have it. */
const STYLES: Readonly<Record<string, AccessPoint["styles"]>> = {
  "Camunda 8": [bearer, basic],
  PhoneFarm: [bearer],
  Datadog: [datadog],
  Maxsight: [(key) => ({ apikey: key })],
  Retab: [(key) => ({ "api-key": key }), bearer],
};

export interface DialectAccess extends AccessPoint {
  readonly dialect: string;
  /** "POST /processes/:process_id/cancel" */
  readonly route: string;
}

export const DIALECT_ACCESS: readonly DialectAccess[] = DIALECTS.flatMap((dialect) =>
  dialect.routes.map((route) => accessOf(dialect, route)),
);

function accessOf(dialect: Dialect, route: Route): DialectAccess {
  const { method, path } = route;
  const styles = STYLES[dialect.name];
  if (styles === undefined) throw new Error(`say in dialect_access.ts how ${dialect.name}'s clients show their keys`);
  return {
    dialect: dialect.name,
    route: `${method} ${path}`,
    name: `${dialect.name} ${method} ${path}`,
    scopes: route.scopes,
    styles,
    statusOf: (reason) => dialect.error(problemOf(reason, "no"), path).status,
    call: async (url, things, headers, from) => {
      const {
        status,
        headers: answered,
        text,
      } = await send(url, { method, path: pathAbout(path, things), ...bodyAbout(route, things, headers) }, from);
      return { status, code: null, said: text, field: (name) => answered[name]?.toString() ?? null };
    },
  };
}

function pathAbout(path: string, things: Belongings): string {
  const key = path.includes("/batch-operations/") ? things.batchOperation : things.processInstance;
  const values: Readonly<Record<string, string>> = {
    key,
    process_id: things.process,
    workflow_id: WORKFLOW_ID,
    instance_id: things.workflowInstance,
    assessment_id: things.assessment,
    run_id: things.workflowRun,
  };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`say in dialect_access.ts what ${name} stands for in ${path}`);
    return value;
  });
}

function bodyAbout({ body, path }: Route, things: Belongings, headers: Headers): { headers: Headers; body?: string } {
  if (body === "none") return { headers };
  if (body === "form") {
    return {
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=client_credentials",
    };
  }
  return { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(jsonAbout(path, things)) };
}

function jsonAbout(path: string, things: Belongings): JsonObject {
  switch (path) {
    case "/processes/:process_id/cancel":
      return { reason: "wrong input", requested_by: { system: "test" } };
    case "/assessments":
    case "/v5/assessments":
      return { entity_id: "e-1", template_id: "t-1" };
    case "/v2/process-instances/cancellation":
      return { filter: { processInstanceKey: things.processInstance } };
    case "/v2/batch-operation-items/search":
      return { filter: { batchOperationKey: things.batchOperation } };
    default:
      return {};
  }
}
