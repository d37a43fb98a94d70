/** A process as PhoneFarm shows it. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Process, ProcessStatus, QueueItemState } from "../../../gen/belay/v1/execution_pb.ts";
import type { RequestedBy } from "../../../gen/belay/v1/execution_ref_pb.ts";

/** UNSPECIFIED is never sent, and neither is a number that the contract does not define. */
const STATUSES: Readonly<Record<ProcessStatus, string>> = {
  [ProcessStatus.UNSPECIFIED]: "",
  [ProcessStatus.QUEUED]: "queued",
  [ProcessStatus.EXECUTING]: "executing",
  [ProcessStatus.RETRYING]: "retrying",
  [ProcessStatus.COMPLETED]: "completed",
  [ProcessStatus.FAILED_TERMINAL]: "failed_terminal",
  [ProcessStatus.CANCELLED]: "cancelled",
};

/** The public status: "queued", "executing", … */
export function processStatusOf(process: Process | undefined): string {
  return STATUSES[process?.status ?? ProcessStatus.UNSPECIFIED] ?? "";
}

/** Every documented field. Objects that have nothing to say are empty, as documented; `callback` and `error` are null. */
export function processJson(process: Process) {
  const { execution, detail } = process;
  return {
    process_id: execution?.ref?.id ?? "",
    process_type: detail?.processType ?? "",
    request_id: detail?.requestId ?? null,
    status: processStatusOf(process),
    target: { account_id: detail?.target?.accountId ?? null, phone_id: detail?.target?.phoneId ?? null },
    requested_by: requestedByJson(detail?.requestedBy),
    callback: detail?.callback === undefined ? null : callbackJson(detail.callback),
    result: execution?.result ?? {},
    error: execution?.error === undefined ? null : errorJson(execution.error),
    timestamps: timestampsJson(process),
    linked_ids: linkedIdsJson(process),
    // Belay's engines report no progress.
    partial_progress: {},
  };
}

type Detail = NonNullable<Process["detail"]>;
type ExecutionError = NonNullable<NonNullable<Process["execution"]>["error"]>;

function requestedByJson(requestedBy: RequestedBy | undefined) {
  return {
    system: requestedBy?.system ?? "",
    user: requestedBy?.user ?? "",
    metadata: requestedBy?.metadata ?? {},
  };
}

function callbackJson({ url, metadata = {} }: NonNullable<Detail["callback"]>) {
  return { url, metadata };
}

function errorJson({ type, message, step, details = {} }: ExecutionError) {
  return { type, message, step, details };
}

/** Registration is acceptance and queueing in one. */
function timestampsJson({ execution }: Process) {
  const created = timeOf(execution?.createTime);
  return {
    created_at: created,
    accepted_at: created,
    queued_at: created,
    executing_at: timeOf(execution?.startTime),
    // Belay plans no retry: a process whose worker was lost waits until another takes it over.
    retrying_at: null,
    cancel_requested_at: timeOf(execution?.cancellation?.requestTime),
    finished_at: timeOf(execution?.endTime),
  };
}

function linkedIdsJson({ detail, queueItems }: Process) {
  const completed = queueItems.filter(({ state }) => state === QueueItemState.COMPLETED);
  return {
    ...detail?.linkedIds,
    queue_item_ids: queueItems.map(({ id }) => id),
    completed_queue_item_ids: completed.map(({ id }) => id),
  };
}

function timeOf(timestamp: Timestamp | undefined): string | null {
  return timestamp === undefined ? null : timestampDate(timestamp).toISOString();
}
