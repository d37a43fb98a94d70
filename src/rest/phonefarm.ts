/** PhoneFarm: processes on phones. Cancels and shows them. */
import { Code } from "@connectrpc/connect";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { bearerOf } from "../rpc/credentials.ts";
import type { FieldViolation } from "../rpc/errors.ts";
import { httpStatusOf } from "../rpc/http_status.ts";
import { auditedCancel } from "./audited_cancel.ts";
import type { Dialect, RestResponse } from "./dialect.ts";
import { cancelAnswerJson, cancelRequestOf, STRATEGY_WORDS } from "./phonefarm/cancel.ts";
import { processJson } from "./phonefarm/process_json.ts";
import type { Problem } from "./problem.ts";

export const PHONEFARM: Dialect = {
  name: "PhoneFarm",
  prefixes: ["/processes"],
  routes: [
    {
      method: "POST",
      path: "/processes/:process_id/cancel",
      body: "optional_json",
      success: 200,
      rank: "critical",
      scopes: ["cancel:process"],
      audited: auditedCancel(CancellationService.method.cancelProcess, "process", "process_id"),
      handle: async ({ params, body, scope }, { calls }) => {
        const request = cancelRequestOf(params["process_id"] ?? "", body);
        return { body: cancelAnswerJson(await calls.cancelProcess(request, scope)) };
      },
    },
    {
      method: "GET",
      path: "/processes/:process_id",
      body: "none",
      success: 200,
      rank: "read",
      scopes: ["executions:read"],
      handle: async ({ params, scope }, { calls }) => {
        const { process } = await calls.getProcess({ processId: params["process_id"] ?? "" }, scope);
        return { body: process === undefined ? null : processJson(process) };
      },
    },
  ],
  cancel: CancellationService.method.cancelProcess,
  credentials: "`Authorization: Bearer`",
  secrets: bearerOf,
  error: (problem) => ({ status: statusOf(problem), headers: headersOf(problem), body: { detail: detailOf(problem) } }),
};

function statusOf({ code, reason, status }: Problem): number {
  // A body that is not JSON is an invalid payload like any other.
  if (reason === "MALFORMED_BODY" && status === 400) return 422;
  // The cancel meets no state conflict; the status is documented for the whole API.
  if (code === Code.FailedPrecondition) return 409;
  return status ?? httpStatusOf(CancellationService.method.cancelProcess, code, reason);
}

function headersOf({ code, headers }: Problem): RestResponse["headers"] & object {
  return code === Code.Unauthenticated ? { "www-authenticate": "Bearer", ...headers } : headers;
}

/** What was wrong in words; for an invalid payload, a list of all that is. */
function detailOf(problem: Problem) {
  const { violations, message } = problem;
  if (violations.length > 0) return violations.map(invalidField);
  if (statusOf(problem) === 422) return [{ loc: ["body"], msg: message, type: "json_invalid" }];
  return message;
}

function invalidField({ field, description }: FieldViolation) {
  return {
    loc: locationOf(field),
    // The contract's own words for the strategies are others.
    msg: field === "strategy" ? `must be one of ${STRATEGY_WORDS}` : description,
    type: description === "is required" ? "missing" : "value_error",
  };
}

/** Where the caller put the field: "requested_by.system" is ["body", "requested_by", "system"]. */
function locationOf(field: string): readonly string[] {
  switch (field) {
    case "":
      return ["body"];
    case "process_id":
      return ["path", field];
    // Only the header names a command here.
    case "command_id":
    case "Idempotency-Key":
      return ["header", "Idempotency-Key"];
    default:
      return ["body", ...field.split(".")];
  }
}
