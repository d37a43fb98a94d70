/** For each RPC of the contract, a request about the things of a tenant. */
import type { JsonObject } from "@bufbuild/protobuf";
import { type Belongings, LISTENER } from "./belongings.ts";
import { newAddress } from "./loopback.ts";
import { WORKFLOW_ID } from "./work.ts";

/** What becomes of the request of a tenant that does not have the things. */
export type ToStrangers =
  /** They are not there. */
  | "not_found"
  /** It is answered as if they were not there. */
  | "blank"
  /** It is about the caller's own things, whatever they are. */
  | "own";

interface Row {
  readonly toStrangers: ToStrangers;
  readonly request: (things: Belongings) => JsonObject;
}

const PROCESS_CANCEL = { reason: "wrong input", requestedBy: { system: "test" }, strategy: "STRATEGY_SOFT" };
const WORKER = "a-worker";

const notFound = (request: Row["request"]): Row => ({ toStrangers: "not_found", request });
const blank = (request: Row["request"]): Row => ({ toStrangers: "blank", request });
const own = (request: Row["request"]): Row => ({ toStrangers: "own", request });

const processOf = ({ process: id }: Belongings): JsonObject => ({ kind: "KIND_PROCESS", id });

const ROWS: Readonly<Record<string, Row>> = {
  "belay.v1.CancellationService/CancelProcessInstance": notFound(({ processInstance }) => ({
    processInstanceKey: processInstance,
    strategy: "STRATEGY_HARD",
  })),
  "belay.v1.CancellationService/CancelProcess": notFound(({ process }) => ({ processId: process, ...PROCESS_CANCEL })),
  "belay.v1.CancellationService/CancelWorkflowInstance": notFound(({ workflowInstance }) => ({
    workflowId: WORKFLOW_ID,
    instanceId: workflowInstance,
  })),
  "belay.v1.CancellationService/CancelAssessmentWorkflow": notFound(({ assessment }) => ({ assessmentId: assessment })),
  "belay.v1.CancellationService/CancelWorkflowRun": notFound(({ workflowRun }) => ({ runId: workflowRun })),
  "belay.v1.CancellationService/GetCancellation": notFound(({ cancellation }) => ({ cancellationId: cancellation })),
  "belay.v1.CancellationService/ListCancellations": blank(() => ({})),
  "belay.v1.CancellationService/WatchCancellation": notFound(({ cancellation }) => ({ cancellationId: cancellation })),
  "belay.v1.CancellationService/ResolveIncident": notFound(({ cancellation }) => ({ cancellationId: cancellation })),

  "belay.v1.ExecutionService/RegisterExecution": own(() => ({ kind: "KIND_PROCESS" })),
  "belay.v1.ExecutionService/CompleteExecution": notFound((things) => ({ execution: processOf(things), token: "1" })),
  "belay.v1.ExecutionService/FailExecution": notFound((things) => ({
    execution: processOf(things),
    token: "1",
    error: { type: "E", message: "no" },
  })),
  "belay.v1.ExecutionService/WatchExecution": notFound((things) => ({ execution: processOf(things) })),
  "belay.v1.ExecutionService/GetProcessInstance": notFound(({ processInstance }) => ({
    processInstanceKey: processInstance,
  })),
  "belay.v1.ExecutionService/ListProcessInstances": blank(() => ({})),
  "belay.v1.ExecutionService/GetProcess": notFound(({ process }) => ({ processId: process })),
  "belay.v1.ExecutionService/ListProcesses": blank(() => ({})),
  "belay.v1.ExecutionService/GetWorkflowInstance": notFound(({ workflowInstance }) => ({
    instanceId: workflowInstance,
  })),
  "belay.v1.ExecutionService/ListWorkflowInstances": blank(() => ({ workflowId: WORKFLOW_ID })),
  "belay.v1.ExecutionService/GetAssessment": notFound(({ assessment }) => ({ assessmentId: assessment })),
  "belay.v1.ExecutionService/ListAssessments": blank(() => ({})),
  "belay.v1.ExecutionService/GetWorkflowRun": notFound(({ workflowRun }) => ({ runId: workflowRun })),
  "belay.v1.ExecutionService/ListWorkflowRuns": blank(() => ({})),

  "belay.v1.WorkerService/StartExecution": notFound((things) => ({
    execution: processOf(things),
    claim: { workerId: WORKER },
  })),
  "belay.v1.WorkerService/Attach": blank(() => ({ workerId: WORKER })),
  "belay.v1.WorkerService/Heartbeat": blank((things) => ({
    workerId: WORKER,
    leases: [{ execution: processOf(things), token: "1" }],
  })),
  "belay.v1.WorkerService/ReportStopped": notFound((things) => ({ execution: processOf(things), token: "1" })),
  "belay.v1.WorkerService/ActivateListenerJobs": blank(() => ({ workerId: WORKER, types: [LISTENER], maxJobs: 100 })),
  "belay.v1.WorkerService/CompleteListenerJob": notFound(({ listenerJob }) => ({
    jobKey: listenerJob,
    activation: "1",
  })),
  "belay.v1.WorkerService/FailListenerJob": notFound(({ listenerJob }) => ({ jobKey: listenerJob, activation: "1" })),

  "belay.v1.KeyService/CreateKey": own(() => ({
    description: "made by a test",
    scopes: ["executions:read"],
    allowedAddresses: [newAddress()],
  })),
  "belay.v1.KeyService/ListKeys": own(() => ({})),
  "belay.v1.KeyService/RevokeKey": notFound(({ key }) => ({ keyId: key })),

  "belay.v1.AuditService/ListAuditEvents": own(() => ({})),

  "gateway_protocol.Gateway/CancelProcessInstance": notFound(({ processInstance }) => ({
    processInstanceKey: processInstance,
  })),
};

/** @param rpc its name, with its service */
export function requestAbout(rpc: string, things: Belongings): JsonObject {
  return rowOf(rpc).request(things);
}

export function toStrangers(rpc: string): ToStrangers {
  return rowOf(rpc).toStrangers;
}

/** A new RPC needs its row: the matrix asks for every one there is. */
function rowOf(rpc: string): Row {
  const row = ROWS[rpc];
  if (row === undefined) throw new Error(`say in rpc_requests.ts what to ask ${rpc} for`);
  return row;
}
