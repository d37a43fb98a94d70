/** What the service refuses, and what it replays. */
import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { CancellationService } from "../../../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../../../gen/belay/v1/worker_service_pb.ts";
import { Gateway } from "../../../../gen/gateway_protocol/gateway_pb.ts";
import { cancelOf, FOREVER, keyOfKind, registration, type TestService } from "../../../service/world.ts";
import type { Header } from "../ask.ts";
import { cancelWithListener } from "../belay_backend.ts";
import type { Case } from "../case.ts";
import { ask, WIRES } from "../wire.ts";
import { type Is, LATE, NOT_FOUND, OK, summaryOf } from "./cancel.ts";

const { cancelProcess, cancelProcessInstance, cancelWorkflowInstance, cancelAssessmentWorkflow, cancelWorkflowRun } =
  CancellationService.method;

const FINISHED: Is = { grpc: 9, http: "400 failed_precondition" };
const CONFLICT: Is = { grpc: 9, http: "409 failed_precondition" };
const BAD_KEY: Is = { grpc: 3, http: "422 invalid_argument" };
const INVALID: Is = { grpc: 3, http: "400 invalid_argument" };

type Row = readonly [name: string, method: DescMethodUnary, message: JsonObject, is: Is, headers?: readonly Header[]];

/** The ids of one wire's executions. */
function idsOf(column: number) {
  const key = (which: number): string => String(4_503_599_627_370_000 + column * 100 + which);
  const id = (name: string): string => `${name}-${column}`;
  return {
    key,
    id,
    finished: {
      instance: key(1),
      run: id("finished-run"),
      workflow: id("finished-workflow"),
      assessment: id("finished-assessment"),
      process: id("finished-process"),
    },
    cancelled: {
      instance: key(2),
      run: id("cancelled-run"),
      workflow: id("cancelled-workflow"),
      assessment: id("cancelled-assessment"),
      process: id("cancelled-process"),
    },
    parent: key(3),
    child: key(4),
    listening: key(5),
    incident: id("listening-process"),
    held: id("held-process"),
    free: id("free-process"),
    freeAssessment: id("free-assessment"),
  };
}

type Ids = ReturnType<typeof idsOf>;

const cancelled = (processId: string, more: JsonObject = {}): JsonObject => ({
  processId,
  reason: "r",
  requestedBy: { system: "s" },
  ...more,
});
const processRef = (id: string): JsonObject => ({ kind: "KIND_PROCESS", id });

function rows({
  key,
  id,
  finished,
  cancelled: before,
  child,
  listening,
  held,
  free,
  freeAssessment,
}: Ids): readonly Row[] {
  const { registerExecution, completeExecution, failExecution, listProcesses } = ExecutionService.method;
  const { startExecution, heartbeat, reportStopped, completeListenerJob } = WorkerService.method;
  const { getCancellation, resolveIncident } = CancellationService.method;
  const nobody = "00000000-0000-7000-8000-000000000009";
  return [
    ["an unknown process instance", cancelProcessInstance, { processInstanceKey: key(99) }, NOT_FOUND],
    ["an unknown process", cancelProcess, cancelled(id("none")), NOT_FOUND],
    ["an unknown workflow instance", cancelWorkflowInstance, { workflowId: "wf", instanceId: id("none") }, NOT_FOUND],
    ["an unknown assessment", cancelAssessmentWorkflow, { assessmentId: id("none") }, NOT_FOUND],
    ["an unknown workflow run", cancelWorkflowRun, { runId: id("none") }, NOT_FOUND],
    [
      "an unknown process instance, of Zeebe's gateway",
      Gateway.method.cancelProcessInstance,
      { processInstanceKey: key(99) },
      NOT_FOUND,
    ],
    [
      "a process instance that has finished",
      cancelProcessInstance,
      { processInstanceKey: finished.instance },
      NOT_FOUND,
    ],
    ["a process that has finished", cancelProcess, cancelled(finished.process), OK],
    [
      "a workflow instance that has finished",
      cancelWorkflowInstance,
      { workflowId: "wf", instanceId: finished.workflow },
      FINISHED,
    ],
    ["an assessment that has finished", cancelAssessmentWorkflow, { assessmentId: finished.assessment }, CONFLICT],
    ["a workflow run that has finished", cancelWorkflowRun, { runId: finished.run }, OK],
    ["a process instance that is cancelled", cancelProcessInstance, { processInstanceKey: before.instance }, NOT_FOUND],
    ["a process that is cancelled", cancelProcess, cancelled(before.process), OK],
    [
      "a workflow instance that is cancelled",
      cancelWorkflowInstance,
      { workflowId: "wf", instanceId: before.workflow },
      FINISHED,
    ],
    ["an assessment that is cancelled", cancelAssessmentWorkflow, { assessmentId: before.assessment }, OK],
    ["a workflow run that is cancelled", cancelWorkflowRun, { runId: before.run }, OK],
    [
      "a workflow instance of another workflow",
      cancelWorkflowInstance,
      { workflowId: "other", instanceId: before.workflow },
      NOT_FOUND,
    ],
    ["a child of another process instance", cancelProcessInstance, { processInstanceKey: child }, CONFLICT],
    [
      "a wait for a listener that takes too long",
      cancelProcessInstance,
      { processInstanceKey: listening },
      LATE,
      [
        ["grpc-timeout", "300m"],
        ["connect-timeout-ms", "300"],
      ],
    ],
    [
      "the same wait once more",
      cancelProcessInstance,
      { processInstanceKey: listening },
      LATE,
      [
        ["grpc-timeout", "300m"],
        ["connect-timeout-ms", "300"],
      ],
    ],
    ["a command id", cancelProcess, cancelled(free, { commandId: id("command") }), OK],
    ["the same command again", cancelProcess, cancelled(free, { commandId: id("command") }), OK],
    [
      "the same command id with another request",
      cancelProcess,
      cancelled(free, { commandId: id("command"), reason: "other" }),
      BAD_KEY,
    ],
    [
      "an Idempotency-Key",
      cancelAssessmentWorkflow,
      { assessmentId: freeAssessment },
      OK,
      [["idempotency-key", id("key")]],
    ],
    [
      "the same Idempotency-Key",
      cancelAssessmentWorkflow,
      { assessmentId: freeAssessment },
      OK,
      [["idempotency-key", `"${id("key")}"`]],
    ],
    [
      "the same Idempotency-Key with another request",
      cancelAssessmentWorkflow,
      { assessmentId: freeAssessment, strategy: "STRATEGY_HARD" },
      BAD_KEY,
      [["idempotency-key", id("key")]],
    ],
    [
      "an Idempotency-Key that is none",
      cancelAssessmentWorkflow,
      { assessmentId: freeAssessment },
      INVALID,
      [["idempotency-key", '"half']],
    ],
    [
      "two Idempotency-Keys",
      cancelAssessmentWorkflow,
      { assessmentId: freeAssessment },
      INVALID,
      [
        ["idempotency-key", "a"],
        ["idempotency-key", "b"],
      ],
    ],
    [
      "an execution that exists",
      registerExecution,
      { kind: "KIND_PROCESS", id: held, labels: { team: "other" } },
      { grpc: 6, http: "409 already_exists" },
    ],
    [
      "a parent that does not exist",
      registerExecution,
      { kind: "KIND_PROCESS", id: id("orphan"), parent: processRef("nobody") },
      NOT_FOUND,
    ],
    [
      "a parent that has finished",
      registerExecution,
      { kind: "KIND_PROCESS", id: id("orphan"), parent: processRef(finished.process) },
      CONFLICT,
    ],
    [
      "a lease that another worker has",
      startExecution,
      { execution: processRef(held), claim: { workerId: "w-2" } },
      CONFLICT,
    ],
    [
      "an execution to start that does not exist",
      startExecution,
      { execution: processRef("nobody"), claim: { workerId: "w-2" } },
      NOT_FOUND,
    ],
    ["a stale token", completeExecution, { execution: processRef(held), token: "77" }, CONFLICT],
    [
      "a failure with a stale token",
      failExecution,
      { execution: processRef(held), token: "77", error: { type: "E", message: "no" } },
      CONFLICT,
    ],
    ["a stop that nobody asked for", reportStopped, { execution: processRef(held), token: "1" }, CONFLICT],
    [
      "heartbeats of which some are stale",
      heartbeat,
      {
        workerId: "w-1",
        leases: [
          { execution: processRef(held), token: "1" },
          { execution: processRef("nobody"), token: "1" },
          { execution: processRef(held), token: "9" },
        ],
      },
      OK,
    ],
    ["a page token that is none", listProcesses, { pageToken: "none" }, INVALID],
    ["an unknown cancellation", getCancellation, { cancellationId: nobody }, NOT_FOUND],
    ["an incident of an unknown cancellation", resolveIncident, { cancellationId: nobody }, NOT_FOUND],
    ["an unknown listener job", completeListenerJob, { jobKey: `${nobody}:0`, activation: "1" }, NOT_FOUND],
  ];
}

export const REFUSALS: readonly Case[] = WIRES.flatMap((wire, column) =>
  rows(idsOf(column)).map(([name, method, message, is, headers = []]) => ({
    name: `${wire}: ${name}`,
    ask: ask(wire, method, message, { headers }),
    is: summaryOf(wire, is),
  })),
);

/** What the cases find. */
export async function furnishRefusals(world: TestService): Promise<ReadonlyMap<string, string>> {
  const { service } = world;
  for (const column of WIRES.keys()) {
    const {
      finished,
      cancelled: before,
      parent,
      child,
      listening,
      incident,
      held,
      free,
      freeAssessment,
    } = idsOf(column);
    for (const { instance, run, workflow, assessment, process } of [finished, before]) {
      const keys = [
        keyOfKind("process_instance", instance),
        keyOfKind("workflow_run", run),
        keyOfKind("workflow_instance", workflow),
        keyOfKind("assessment", assessment),
        keyOfKind("process", process),
      ];
      for (const key of keys) {
        const workflowId = key.kind === "workflow_instance" ? "wf" : null;
        const isFinished = instance === finished.instance;
        await service.register(registration(key, isFinished ? "w-1" : null, { workflowId }));
        if (isFinished) await service.complete(key, 1, null, null);
        else await service.cancel(cancelOf(key, { workflowId }), FOREVER);
      }
    }
    await service.register(registration(keyOfKind("process_instance", parent), null));
    await service.register(
      registration(keyOfKind("process_instance", child), null, { parent: { kind: "process_instance", id: parent } }),
    );
    await service.register(
      registration(keyOfKind("process_instance", listening), null, { listeners: [{ type: "slow", retries: 1 }] }),
    );
    await cancelWithListener(world, incident, "never-asked-for");
    await service.register(registration(keyOfKind("process", held), "w-1"));
    await service.register(registration(keyOfKind("process", free), null));
    await service.register(registration(keyOfKind("assessment", freeAssessment), null));
  }
  return new Map();
}
