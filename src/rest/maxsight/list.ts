/**
 * The list of assessments. Its public schema is not known, so it is Belay's own: `{"items": […], "next_page_token": "…" or null}`,
 * newest first; `page_size` (100 by default) and `page_token` in the query.
 */
import { ExecutionService, type ListAssessmentsRequest } from "../../../gen/belay/v1/execution_service_pb.ts";
import { requestOfJson } from "../../rpc/json_request.ts";

/** Throws a ConnectError if the query is not valid. */
export function listRequestOf(query: URLSearchParams): ListAssessmentsRequest {
  return requestOfJson(ExecutionService.method.listAssessments, {
    page_size: query.get("page_size"),
    page_token: query.get("page_token"),
  });
}
