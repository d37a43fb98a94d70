/** The refusals that both doors share: one list, in which each case says what is asked for and what has to come of it. */
import { enumToJson, type JsonObject } from "@bufbuild/protobuf";
import { type ExecutionRef, Kind, KindSchema } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Clients } from "./clients.ts";
import { cancelledWork, finishedWork, newId, startWork, WORKFLOW_ID, type Work } from "./work.ts";

export interface Refusal {
  readonly name: string;
  readonly rpc: string;
  /** Sees to what the case begins with, and gives the request. */
  readonly request: (clients: Clients) => Promise<JsonObject>;
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  /** Of google.rpc.BadRequest. Left out: there is none. */
  readonly fields?: readonly string[];
  /** The type in google.rpc.ResourceInfo. Left out: there is none. */
  readonly resource?: string;
  /** What ErrorInfo's metadata must contain. */
  readonly metadata?: (request: JsonObject) => Readonly<Record<string, unknown>>;
}

const PROCESS_CANCEL = { reason: "wrong input", requestedBy: { system: "test" } };
const NO_SUCH = "no-such-id";
const NO_SUCH_KEY = "9007199254740993";

const fixed = (request: JsonObject) => async () => request;

/** The request of the Cancel RPC of the work's kind. */
function cancelOf({ ref: { kind, id } }: Pick<Work, "ref">): JsonObject {
  switch (kind) {
    case Kind.PROCESS_INSTANCE:
      return { processInstanceKey: id };
    case Kind.PROCESS:
      return { processId: id, ...PROCESS_CANCEL };
    case Kind.WORKFLOW_INSTANCE:
      return { workflowId: WORKFLOW_ID, instanceId: id };
    case Kind.ASSESSMENT:
      return { assessmentId: id };
    default:
      return { runId: id };
  }
}

function refJson(ref: ExecutionRef): JsonObject {
  return { kind: enumToJson(KindSchema, ref.kind), id: ref.id };
}

const UNKNOWN: readonly Refusal[] = [
  {
    name: "an unknown process",
    rpc: "CancelProcess",
    request: fixed({ processId: NO_SUCH, ...PROCESS_CANCEL }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: `belay.v1.Process ${NO_SUCH}`,
    metadata: () => ({ kind: "process", id: NO_SUCH }),
  },
  {
    name: "an unknown process instance",
    rpc: "CancelProcessInstance",
    request: fixed({ processInstanceKey: NO_SUCH_KEY }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: `belay.v1.ProcessInstance ${NO_SUCH_KEY}`,
  },
  {
    name: "an unknown workflow instance",
    rpc: "CancelWorkflowInstance",
    request: fixed({ workflowId: WORKFLOW_ID, instanceId: NO_SUCH }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: `belay.v1.WorkflowInstance ${NO_SUCH}`,
  },
  {
    name: "a workflow instance under another workflow",
    rpc: "CancelWorkflowInstance",
    request: async (clients) => ({
      ...cancelOf(await startWork(clients, Kind.WORKFLOW_INSTANCE)),
      workflowId: "another",
    }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: "belay.v1.WorkflowInstance ",
  },
  {
    name: "an unknown assessment",
    rpc: "CancelAssessmentWorkflow",
    request: fixed({ assessmentId: NO_SUCH }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: `belay.v1.Assessment ${NO_SUCH}`,
  },
  {
    name: "an unknown workflow run",
    rpc: "CancelWorkflowRun",
    request: fixed({ runId: NO_SUCH }),
    status: 404,
    code: "not_found",
    reason: "EXECUTION_NOT_FOUND",
    resource: `belay.v1.WorkflowRun ${NO_SUCH}`,
  },
  {
    name: "an unknown cancellation",
    rpc: "GetCancellation",
    request: fixed({ cancellationId: NO_SUCH }),
    status: 404,
    code: "not_found",
    reason: "CANCELLATION_NOT_FOUND",
    resource: `belay.v1.Cancellation ${NO_SUCH}`,
  },
  {
    name: "an unknown listener job",
    rpc: "CompleteListenerJob",
    request: fixed({ jobKey: NO_SUCH, activation: "1" }),
    status: 404,
    code: "not_found",
    reason: "LISTENER_JOB_NOT_FOUND",
    resource: `belay.v1.ListenerJob ${NO_SUCH}`,
  },
  {
    name: "an unknown parent",
    rpc: "RegisterExecution",
    request: fixed({ kind: "KIND_PROCESS", parent: { kind: "KIND_PROCESS", id: NO_SUCH } }),
    status: 404,
    code: "not_found",
    reason: "PARENT_NOT_FOUND",
    resource: `belay.v1.Process ${NO_SUCH}`,
  },
];

const INVALID: readonly Refusal[] = [
  {
    name: "an unknown strategy",
    rpc: "CancelProcess",
    request: fixed({ processId: "p-1", ...PROCESS_CANCEL, strategy: 99 }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["strategy"],
  },
  {
    name: "a negative force_after_seconds",
    rpc: "CancelProcess",
    request: fixed({ processId: "p-1", ...PROCESS_CANCEL, forceAfterSeconds: -1 }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["force_after_seconds"],
  },
  {
    name: "a missing reason",
    rpc: "CancelProcess",
    request: fixed({ processId: "p-1", requestedBy: { system: "test" } }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["reason"],
  },
  {
    name: "a request that is wrong all over",
    rpc: "CancelProcess",
    request: fixed({ strategy: 99, forceAfterSeconds: -1, commandId: "c".repeat(256) }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["process_id", "reason", "strategy", "force_after_seconds", "requested_by", "command_id"],
  },
  {
    name: "a process instance key that is no number",
    rpc: "CancelProcessInstance",
    request: fixed({ processInstanceKey: "abc" }),
    status: 400,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["process_instance_key"],
  },
  {
    name: "a workflow instance without its workflow",
    rpc: "CancelWorkflowInstance",
    request: fixed({ instanceId: "i-1" }),
    status: 400,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["workflow_id"],
  },
  {
    name: "no assessment",
    rpc: "CancelAssessmentWorkflow",
    request: fixed({}),
    status: 400,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["assessment_id"],
  },
  {
    name: "no run",
    rpc: "CancelWorkflowRun",
    request: fixed({}),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["run_id"],
  },
  {
    name: "a registration that contradicts itself",
    rpc: "RegisterExecution",
    request: fixed({
      kind: "KIND_PROCESS_INSTANCE",
      id: "abc",
      queueItems: [{ id: "item-1" }, { id: "item-1" }],
      claim: { leaseSeconds: 3601 },
    }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["id", "queue_items", "claim.worker_id", "claim.lease_seconds"],
  },
  {
    name: "a heartbeat with one bad lease among good ones",
    rpc: "Heartbeat",
    request: fixed({
      workerId: "w-1",
      leases: [
        { execution: { kind: "KIND_PROCESS", id: "p-1" }, token: "1" },
        { execution: { kind: "KIND_PROCESS" }, token: "0" },
      ],
    }),
    status: 422,
    code: "invalid_argument",
    reason: "INVALID_REQUEST",
    fields: ["leases[1].execution.id", "leases[1].token"],
  },
  {
    name: "a page token that no list has made",
    rpc: "ListProcesses",
    request: fixed({ pageToken: "made up" }),
    status: 400,
    code: "invalid_argument",
    reason: "INVALID_PAGE_TOKEN",
    fields: ["page_token"],
  },
];

const TOO_LATE: readonly Refusal[] = [
  {
    name: "the cancel of a finished process instance",
    rpc: "CancelProcessInstance",
    request: async (clients) => cancelOf(await finishedWork(clients, Kind.PROCESS_INSTANCE)),
    status: 404,
    code: "not_found",
    reason: "ALREADY_FINISHED",
    resource: "belay.v1.ProcessInstance ",
    metadata: ({ processInstanceKey: id }) => ({ id, state: "completed" }),
  },
  {
    name: "the cancel of a cancelled process instance",
    rpc: "CancelProcessInstance",
    request: async (clients) => cancelOf(await cancelledWork(clients, Kind.PROCESS_INSTANCE)),
    status: 404,
    code: "not_found",
    reason: "ALREADY_CANCELLED",
    resource: "belay.v1.ProcessInstance ",
    metadata: ({ processInstanceKey: id }) => ({ id, state: "cancelled" }),
  },
  {
    name: "the cancel of a finished workflow instance",
    rpc: "CancelWorkflowInstance",
    request: async (clients) => cancelOf(await finishedWork(clients, Kind.WORKFLOW_INSTANCE)),
    status: 400,
    code: "failed_precondition",
    reason: "ALREADY_FINISHED",
    metadata: ({ instanceId: id }) => ({ id, state: "completed" }),
  },
  {
    name: "the cancel of a cancelled workflow instance",
    rpc: "CancelWorkflowInstance",
    request: async (clients) => cancelOf(await cancelledWork(clients, Kind.WORKFLOW_INSTANCE)),
    status: 400,
    code: "failed_precondition",
    reason: "ALREADY_CANCELLED",
  },
  {
    name: "the cancel of a finished assessment",
    rpc: "CancelAssessmentWorkflow",
    request: async (clients) => cancelOf(await finishedWork(clients, Kind.ASSESSMENT)),
    status: 409,
    code: "failed_precondition",
    reason: "ALREADY_FINISHED",
  },
  {
    name: "a second result",
    rpc: "FailExecution",
    request: async (clients) => {
      const { ref, token } = await finishedWork(clients, Kind.PROCESS);
      return { execution: refJson(ref), token: String(token), error: { type: "late" } };
    },
    status: 409,
    code: "failed_precondition",
    reason: "ALREADY_FINISHED",
  },
];

const NOT_NOW: readonly Refusal[] = [
  {
    name: "the cancel of a child process instance",
    rpc: "CancelProcessInstance",
    request: async (clients) => {
      const root = await startWork(clients, Kind.PROCESS_INSTANCE);
      const child = await startWork(clients, Kind.PROCESS_INSTANCE, { parent: root.ref });
      const grandchild = await startWork(clients, Kind.PROCESS_INSTANCE, { parent: child.ref });
      return { ...cancelOf(grandchild), reason: root.ref.id };
    },
    status: 409,
    code: "failed_precondition",
    reason: "NOT_A_ROOT",
    metadata: ({ reason: rootId }) => ({ root_kind: "process_instance", root_id: rootId }),
  },
  {
    name: "another execution under a known id",
    rpc: "RegisterExecution",
    request: async (clients) => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      return { ...refJson(ref), labels: { team: "another" } };
    },
    status: 409,
    code: "already_exists",
    reason: "EXECUTION_EXISTS",
    metadata: () => ({ field: "labels" }),
  },
  {
    name: "a claim on what another worker holds",
    rpc: "StartExecution",
    request: async (clients) => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      return { execution: refJson(ref), claim: { workerId: "another" } };
    },
    status: 409,
    code: "failed_precondition",
    reason: "LEASE_HELD",
  },
  {
    name: "a result with a token of no lease",
    rpc: "CompleteExecution",
    request: async (clients) => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      return { execution: refJson(ref), token: "7" };
    },
    status: 409,
    code: "failed_precondition",
    reason: "STALE_TOKEN",
    metadata: () => ({ token: "7" }),
  },
  {
    name: "a stop that nobody asked for",
    rpc: "ReportStopped",
    request: async (clients) => {
      const { ref, token } = await startWork(clients, Kind.PROCESS);
      return { execution: refJson(ref), token: String(token) };
    },
    status: 409,
    code: "failed_precondition",
    reason: "NOT_CANCELLED",
  },
  {
    name: "a child of a parent that has finished",
    rpc: "RegisterExecution",
    request: async (clients) => {
      const { ref } = await finishedWork(clients, Kind.PROCESS);
      return { kind: "KIND_PROCESS", id: newId(Kind.PROCESS), parent: refJson(ref) };
    },
    status: 409,
    code: "failed_precondition",
    reason: "PARENT_NOT_LIVE",
  },
];

export const REFUSALS: readonly Refusal[] = [...UNKNOWN, ...INVALID, ...TOO_LATE, ...NOT_NOW];
