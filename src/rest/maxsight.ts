/** Maxsight: assessments with their workflows. Creates, cancels and shows them, with and without `/v5`. */
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { keyHeaderOf } from "../rpc/credentials.ts";
import { httpStatusOf } from "../rpc/http_status.ts";
import { auditedCancel } from "./audited_cancel.ts";
import type { Dialect, Route } from "./dialect.ts";
import { assessmentJson } from "./maxsight/assessment_json.ts";
import { newAssessment, registrationOf } from "./maxsight/create.ts";
import { listRequestOf } from "./maxsight/list.ts";
import { nameOfCode, type Problem } from "./problem.ts";

const ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/assessments/:assessment_id/cancel-workflow",
    // The endpoint takes none: an assessment has one workflow, so there is nothing to say.
    body: "none",
    success: 204,
    rank: "critical",
    scopes: ["cancel:assessment"],
    audited: auditedCancel(CancellationService.method.cancelAssessmentWorkflow, "assessment", "assessment_id"),
    handle: async ({ params, scope }, { calls }) => {
      await calls.cancelAssessmentWorkflow({ assessmentId: params["assessment_id"] ?? "" }, scope);
      return {};
    },
  },
  {
    method: "GET",
    path: "/assessments/:assessment_id",
    body: "none",
    success: 200,
    rank: "read",
    scopes: ["executions:read"],
    handle: async ({ params, scope }, { calls }) => {
      const { assessment } = await calls.getAssessment({ assessmentId: params["assessment_id"] ?? "" }, scope);
      return { body: assessmentJson(assessment) };
    },
  },
  {
    method: "GET",
    path: "/assessments",
    body: "none",
    success: 200,
    rank: "list",
    scopes: ["executions:read"],
    handle: async ({ query, scope }, { calls }) => {
      const { assessments, nextPageToken } = await calls.listAssessments(listRequestOf(query), scope);
      const next = nextPageToken === "" ? null : nextPageToken;
      return { body: { items: assessments.map(assessmentJson), next_page_token: next } };
    },
  },
  {
    method: "POST",
    path: "/assessments",
    body: "json",
    success: 201,
    rank: "write",
    scopes: ["executions:write"],
    handle: async ({ body, scope }, { calls }) => {
      const registration = registrationOf(body);
      // Not read again: a repeated command is answered as it was the first time.
      const { execution } = await calls.registerExecution(registration, scope);
      return { body: assessmentJson(newAssessment(registration, execution)) };
    },
  },
];

export const MAXSIGHT: Dialect = {
  name: "Maxsight",
  prefixes: ["/v5/assessments", "/assessments"],
  routes: ROUTES.flatMap((route) => [{ ...route, path: `/v5${route.path}` }, route]),
  cancel: CancellationService.method.cancelAssessmentWorkflow,
  credentials: "`apikey`",
  secrets: (headers) => keyHeaderOf(headers, "apikey"),
  error: (problem) => ({
    status: problem.status ?? httpStatusOf(METHOD, problem.code, problem.reason),
    headers: problem.headers,
    body: { error: { code: nameOfCode(problem.code), message: messageOf(problem) } },
  }),
};

/** The statuses of the cancel are documented; those of the others are the same. */
const METHOD = CancellationService.method.cancelAssessmentWorkflow;

function messageOf({ message, violations }: Problem): string {
  if (violations.length === 0) return message;
  return violations.map(({ field, description }) => `${nameOf(field)} ${description}`.trim()).join("; ");
}

/** The name that the caller used: a new assessment's fields are those of its detail. */
function nameOf(field: string): string {
  return field.replace(/^assessment\./, "");
}
