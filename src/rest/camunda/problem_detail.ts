/** Errors as Camunda's clients read them: application/problem+json with all five members. */
import { Code } from "@connectrpc/connect";
import { CancellationService } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { httpStatusOf } from "../../rpc/http_status.ts";
import type { RestResponse } from "../dialect.ts";
import { nameOfCode, type Problem } from "../problem.ts";

/** @param path of the request */
export function problemDetail(problem: Problem, path: string): RestResponse {
  const { code, reason, message, headers } = problem;
  const status = problem.status ?? httpStatusOf(CancellationService.method.cancelProcessInstance, code, reason);
  return {
    status,
    headers: { ...headers, "content-type": "application/problem+json" },
    body: { type: "about:blank", title: titleOf(status, code), status, detail: message, instance: path },
  };
}

/** What is wrong with the request as such is named by its status: a title that says RESOURCE_EXHAUSTED makes clients try again. */
const TITLES_OF_STATUS: ReadonlyMap<number, string> = new Map([
  [404, "NOT_FOUND"],
  [405, "METHOD_NOT_ALLOWED"],
  [413, "CONTENT_TOO_LARGE"],
  [415, "UNSUPPORTED_MEDIA_TYPE"],
]);

const TITLES_OF_CODE: ReadonlyMap<Code, string> = new Map([
  [Code.Unauthenticated, "UNAUTHORIZED"],
  [Code.PermissionDenied, "FORBIDDEN"],
  [Code.FailedPrecondition, "INVALID_STATE"],
]);

function titleOf(status: number, code: Code): string {
  return TITLES_OF_STATUS.get(status) ?? TITLES_OF_CODE.get(code) ?? nameOfCode(code);
}
