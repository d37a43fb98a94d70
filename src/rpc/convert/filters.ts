/** What lists show: filters and pages. */
import type { ListCancellationsRequest } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import type { ListFilter } from "../../../gen/belay/v1/execution_service_pb.ts";
import type { Kind } from "../../domain/execution.ts";
import type { CancellationFilter, ExecutionFilter, PageRequest } from "../../service/service.ts";
import { kindOfMessage, outcomeOfMessage, stateOfMessage } from "./enums.ts";
import { optionalRefOf } from "./execution_ref.ts";
import { millisOfTimestamp } from "./time.ts";

/** A filter that is left out shows all. UNSPECIFIED in it is no choice made. */
export function executionFilterOf(
  kind: Kind,
  filter: ListFilter | undefined,
  workflowId: string | null,
): ExecutionFilter {
  return {
    kind,
    states: (filter?.states ?? []).map(stateOfMessage).filter((state) => state !== undefined),
    labels: { ...filter?.labels },
    parent: optionalRefOf(filter?.parent, "filter.parent"),
    createdAfter: millisOfTimestamp(filter?.createdAfter, "filter.created_after"),
    createdBefore: millisOfTimestamp(filter?.createdBefore, "filter.created_before"),
    workflowId,
  };
}

export function cancellationFilterOf(request: ListCancellationsRequest): CancellationFilter {
  return {
    kind: kindOfMessage(request.kind) ?? null,
    execution: optionalRefOf(request.execution, "execution"),
    outcome: outcomeOfMessage(request.outcome) ?? null,
    overdueOnly: request.overdue,
    requestedAfter: millisOfTimestamp(request.requestedAfter, "requested_after"),
    requestedBefore: millisOfTimestamp(request.requestedBefore, "requested_before"),
  };
}

/** The size of a page where the caller does not say. */
export const DEFAULT_PAGE_SIZE = 100;

export function pageRequestOf(request: { readonly pageSize: number; readonly pageToken: string }): PageRequest {
  return { size: request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, token: request.pageToken };
}
