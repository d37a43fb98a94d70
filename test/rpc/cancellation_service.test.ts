import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationOutcome, Strategy, TerminationStatus } from "../../gen/belay/v1/cancellation_pb.ts";
import { CancelProcessStatus, RunCancellationStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ProcessStatus, WorkflowState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ErrorInfoSchema, ResourceInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Cancellation } from "../../src/domain/cancellation.ts";
import type { Execution } from "../../src/domain/execution.ts";
import { ANONYMOUS } from "../../src/gate/identity.ts";
import { callerKey } from "../../src/rpc/caller.ts";
import type { CancelAnswer, CancelRequest, Service } from "../../src/service/service.ts";
import { type Door, errorOf, openDoor } from "./double.ts";
import { CANCELLATION, ENDED, EVENT, executionOf, NOON, SPEC } from "./samples.ts";

/** A door whose service answers every cancel with this, and what the service was asked. */
function doorAnswering(answer: Partial<CancelAnswer> & { readonly execution: Execution }): Door & {
  readonly asked: CancelRequest[];
} {
  const asked: CancelRequest[] = [];
  const cancel: Service["cancel"] = (request) => {
    asked.push(request);
    return Promise.resolve({ disposition: "applied", timeline: [], flagRaised: false, ...answer });
  };
  return { ...openDoor({ cancel }), asked };
}

const processRequest = { processId: "p-1", reason: "wrong phone", requestedBy: { system: "bot" } };
const cancelling = { state: "cancelling", cancellation: CANCELLATION } as const;
const cancelled = { state: "cancelled", cancellation: ENDED } as const;

describe("what a cancel asks of the service", () => {
  it("is all that its request says", async () => {
    const door = doorAnswering({ execution: executionOf("process") });

    await door.cancellations.cancelProcess({
      ...processRequest,
      strategy: Strategy.HARD,
      forceAfterSeconds: 0,
      requestedBy: { system: "bot", user: "ada", metadata: { ticket: 7 } },
    });

    expect(door.asked).toEqual([
      {
        key: { tenant: "default", kind: "process", id: "p-1" },
        strategy: "hard",
        forceAfter: 0,
        reason: "wrong phone",
        requestedBy: { system: "bot", user: "ada", metadata: { ticket: 7 } },
        operationReference: null,
        workflowId: null,
        idempotency: null,
        audit: {
          call: { action: "CancelProcess", principal: "anonymous", name: "anonymous", address: "", requestId: "" },
          isRecorded: false,
        },
      },
    ]);
  });

  it("leaves to the service what its request leaves out", async () => {
    const door = doorAnswering({ execution: executionOf("assessment", cancelled) });

    await door.cancellations.cancelAssessmentWorkflow({ assessmentId: "a-1" });

    expect(door.asked).toMatchObject([
      { key: { kind: "assessment", id: "a-1" }, strategy: null, forceAfter: null, reason: "", requestedBy: null },
    ]);
  });

  it("is done for the caller's tenant", async () => {
    const execution = executionOf("process");
    const tenants: string[] = [];
    const door = openDoor(
      {
        cancel: ({ key }) => {
          tenants.push(key.tenant);
          return Promise.resolve({ disposition: "applied", execution, timeline: [], flagRaised: false });
        },
      },
      {
        outer: (next) => (call) => {
          call.contextValues.set(callerKey, { ...ANONYMOUS, tenant: "acme", address: "192.0.2.7" });
          return next(call);
        },
      },
    );

    await door.cancellations.cancelProcess(processRequest);

    expect(tenants).toEqual(["acme"]);
  });

  it("names the operation of a process instance, and the workflow of an instance", async () => {
    const instance = doorAnswering({ execution: executionOf("process_instance", cancelled) });
    const workflow = doorAnswering({ execution: executionOf("workflow_instance", cancelling) });

    await instance.cancellations.cancelProcessInstance({ processInstanceKey: "-25", operationReference: 2n ** 62n });
    await workflow.cancellations.cancelWorkflowInstance({ workflowId: "wf-1", instanceId: "i-1" });

    expect(instance.asked).toMatchObject([{ key: { id: "-25" }, operationReference: "4611686018427387904" }]);
    expect(workflow.asked).toMatchObject([{ key: { kind: "workflow_instance", id: "i-1" }, workflowId: "wf-1" }]);
  });
});

describe("CancelProcess", () => {
  it("answers with the whole result of its kind", async () => {
    const execution = executionOf("process", {
      ...cancelling,
      spec: { ...SPEC, detail: { target: { phoneId: "ph-1", accountId: "ac-1" }, container: "box-7" } },
      queueItems: [
        { id: "q-1", state: "completed" },
        { id: "q-2", state: "executing" },
        { id: "q-3", state: "cancelled" },
      ],
    });

    const answer = await doorAnswering({ execution, timeline: [EVENT] }).cancellations.cancelProcess(processRequest);

    expect(answer).toMatchObject({
      status: CancelProcessStatus.CANCEL_REQUESTED,
      cancelledQueueItemIds: ["q-3"],
      activeQueueItemIds: ["q-2"],
      activeTarget: { processId: "p-1", phoneId: "ph-1", accountId: "ac-1", queueItemId: "q-2" },
      termination: {
        processId: "p-1",
        status: TerminationStatus.PENDING,
        terminateIssued: false,
        container: "box-7",
      },
      process: { status: ProcessStatus.EXECUTING },
      cancellation: { id: "c-1", timeline: [{ sequence: 7n }] },
    });
    expect(answer.activeTarget?.capabilityRequestId).toBeUndefined();
  });

  it("says when a terminate was issued", async () => {
    const cancellation: Cancellation = { ...CANCELLATION, stage: "terminating", termination: "issued" };
    const door = doorAnswering({
      disposition: "joined",
      execution: executionOf("process", { ...cancelling, cancellation }),
    });

    const answer = await door.cancellations.cancelProcess(processRequest);

    expect(answer.status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
    expect(answer.termination).toMatchObject({ status: TerminationStatus.ISSUED, terminateIssued: true });
  });

  it("lists no item as active once the stop is proven", async () => {
    const execution = executionOf("process", { ...cancelled, queueItems: [{ id: "q-1", state: "executing" }] });

    const answer = await doorAnswering({ execution }).cancellations.cancelProcess(processRequest);

    expect(answer.activeQueueItemIds).toEqual([]);
    expect(answer.activeTarget?.queueItemId).toBeUndefined();
  });

  it("leaves a finished process as it is", async () => {
    const execution = executionOf("process", { state: "completed", queueItems: [{ id: "q-1", state: "cancelled" }] });
    const door = doorAnswering({ disposition: "already_finished", execution });

    const answer = await door.cancellations.cancelProcess(processRequest);

    expect(answer).toMatchObject({
      status: CancelProcessStatus.IGNORED_TERMINAL,
      cancelledQueueItemIds: [],
      termination: { status: TerminationStatus.NOT_NEEDED, terminateIssued: false },
      process: { status: ProcessStatus.COMPLETED },
    });
    expect(answer.cancellation).toBeUndefined();
  });

  it("shows the cancellation of a process that was cancelled before", async () => {
    const door = doorAnswering({ disposition: "already_cancelled", execution: executionOf("process", cancelled) });

    const answer = await door.cancellations.cancelProcess(processRequest);

    expect(answer).toMatchObject({ status: CancelProcessStatus.IGNORED_TERMINAL, cancellation: { id: "c-1" } });
  });
});

describe("CancelProcessInstance", () => {
  const request = { processInstanceKey: "4503599627370497" };

  it("answers with the cancellation once it has ended", async () => {
    const door = doorAnswering({ execution: executionOf("process_instance", cancelled), timeline: [EVENT] });

    const answer = await door.cancellations.cancelProcessInstance(request);

    expect(answer).toMatchObject({
      cancellation: { outcome: CancellationOutcome.CANCELLED, endTime: timestampFromMs(NOON + 2_000) },
      processInstance: { execution: { ref: { kind: Kind.PROCESS_INSTANCE, id: "4503599627370497" } } },
    });
  });

  it.each([
    ["already_finished", { state: "completed" }, "ALREADY_FINISHED", "has completed already"],
    ["already_cancelled", cancelled, "ALREADY_CANCELLED", "has been cancelled already"],
    [
      "applied",
      { state: "completed", cancellation: { ...ENDED, outcome: "finished_first" } },
      "ALREADY_FINISHED",
      "has completed already",
    ],
  ] as const)("finds none that is active: %s", async (disposition, change, reason, words) => {
    const door = doorAnswering({ disposition, execution: executionOf("process_instance", change) });

    const error = await errorOf(door.cancellations.cancelProcessInstance(request));

    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe(`process instance '4503599627370497' ${words}`);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe(reason);
    expect(error.findDetails(ResourceInfoSchema)[0]).toMatchObject({
      resourceType: "belay.v1.ProcessInstance",
      resourceName: "4503599627370497",
    });
    expect(door.statuses).toEqual([404]);
  });

  it("does not claim success where the engine refused", async () => {
    const cancellation: Cancellation = { ...ENDED, outcome: "failed", failure: "process instance is locked" };
    const door = doorAnswering({ execution: executionOf("process_instance", { cancellation }) });

    const error = await errorOf(door.cancellations.cancelProcessInstance(request));

    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toContain("runs on: engine 'worker' refused to stop it: process instance is locked");
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ cancellation_id: "c-1" });
    expect(door.faults).toEqual([]);
  });

  it("does not claim success before the end", async () => {
    const door = doorAnswering({ execution: executionOf("process_instance", cancelling) });

    const error = await errorOf(door.cancellations.cancelProcessInstance(request));

    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("STILL_CANCELLING");
    expect(door.statuses).toEqual([504]);
  });
});

describe("CancelWorkflowInstance", () => {
  const request = { workflowId: "wf-1", instanceId: "p-1" };

  it("answers with the id of the instance", async () => {
    const door = doorAnswering({ execution: executionOf("workflow_instance", cancelling) });

    const answer = await door.cancellations.cancelWorkflowInstance(request);

    expect(answer).toMatchObject({ id: "p-1", cancellation: { id: "c-1" }, workflowInstance: { execution: {} } });
  });

  it.each([
    ["already_finished", { state: "failed" }, "ALREADY_FINISHED"],
    ["already_cancelled", cancelled, "ALREADY_CANCELLED"],
  ] as const)("refuses one that has ended: %s", async (disposition, change, reason) => {
    const door = doorAnswering({ disposition, execution: executionOf("workflow_instance", change) });

    const error = await errorOf(door.cancellations.cancelWorkflowInstance(request));

    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe(reason);
    expect(door.statuses).toEqual([400]);
  });
});

describe("CancelAssessmentWorkflow", () => {
  it.each(["applied", "already_cancelled"] as const)("answers with the assessment: %s", async (disposition) => {
    const execution = executionOf("assessment", { ...cancelled, outcomeId: "o-9" });

    const answer = await doorAnswering({ disposition, execution }).cancellations.cancelAssessmentWorkflow({
      assessmentId: "p-1",
    });

    expect(answer).toMatchObject({
      cancellation: { id: "c-1" },
      assessment: { workflowState: WorkflowState.CANCELLED, outcomeId: "o-9" },
    });
  });

  it("refuses one that has finished", async () => {
    const execution = executionOf("assessment", { state: "completed" });
    const door = doorAnswering({ disposition: "already_finished", execution });

    const error = await errorOf(door.cancellations.cancelAssessmentWorkflow({ assessmentId: "p-1" }));

    expect(error.code).toBe(Code.FailedPrecondition);
    expect(door.statuses).toEqual([409]);
  });
});

describe("CancelWorkflowRun", () => {
  it.each([
    ["applied", cancelled, RunCancellationStatus.CANCELLED],
    ["already_cancelled", cancelled, RunCancellationStatus.CANCELLED],
    ["applied", cancelling, RunCancellationStatus.CANCELLATION_REQUESTED],
    ["joined", cancelling, RunCancellationStatus.CANCELLATION_REQUESTED],
    ["already_finished", { state: "completed" }, RunCancellationStatus.CANCELLATION_FAILED],
    [
      "applied",
      { state: "failed", cancellation: { ...ENDED, outcome: "finished_first" } },
      RunCancellationStatus.CANCELLATION_FAILED,
    ],
  ] as const)("answers %s with the run's actual state", async (disposition, change, cancellationStatus) => {
    const door = doorAnswering({ disposition, execution: executionOf("workflow_run", change) });

    const answer = await door.cancellations.cancelWorkflowRun({ runId: "p-1" });

    expect(answer).toMatchObject({ cancellationStatus, redisAvailable: false, run: { lifecycle: {} } });
  });
});

describe("reading cancellations", () => {
  const execution = executionOf("process", cancelling);

  it("one by its id comes with its timeline", async () => {
    const door = openDoor({
      getCancellation: () => Promise.resolve({ execution, cancellation: CANCELLATION, timeline: [EVENT] }),
    });

    const answer = await door.cancellations.getCancellation({ cancellationId: "c-1" });

    expect(answer.cancellation).toMatchObject({ id: "c-1", timeline: [{ sequence: 7n }] });
  });

  it("a list takes filters and a page of 100 where none is named", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      listCancellations: (...request) => {
        asked.push(request);
        return Promise.resolve({ items: [{ execution, cancellation: CANCELLATION }], nextPageToken: "next" });
      },
    });

    const answer = await door.cancellations.listCancellations({
      kind: Kind.PROCESS,
      execution: { kind: Kind.PROCESS, id: "p-1" },
      outcome: CancellationOutcome.PENDING,
      overdue: true,
      requestedAfter: timestampFromMs(NOON),
      pageToken: "this",
    });

    expect(answer).toMatchObject({ cancellations: [{ id: "c-1", timeline: [] }], nextPageToken: "next" });
    expect(asked).toEqual([
      [
        "default",
        {
          kind: "process",
          execution: { kind: "process", id: "p-1" },
          outcome: "pending",
          overdueOnly: true,
          requestedAfter: NOON,
          requestedBefore: null,
        },
        { size: 100, token: "this" },
      ],
    ]);
  });

  it("a watch can be resumed, though not at a sequence that can't have been", async () => {
    const resumed: number[] = [];
    const door = openDoor({
      async *watchCancellation(_tenant, _id, afterSequence) {
        resumed.push(afterSequence);
        yield EVENT;
      },
    });
    const watch = async (afterSequence: bigint) => {
      const stream = door.cancellations.watchCancellation({ cancellationId: "c-1", afterSequence });
      for await (const { event } of stream) expect(event?.cancellationId).toBe("c-1");
    };

    await watch(6n);
    const error = await errorOf(watch(2n ** 60n));

    expect(resumed).toEqual([6]);
    expect(error.rawMessage).toContain("after_sequence must be an integer of at most");
  });

  it("an incident is resolved with one retry where none is named", async () => {
    const retried: number[] = [];
    const door = openDoor({
      resolveIncident: (_tenant, _id, retries) => {
        retried.push(retries);
        return Promise.resolve({ execution, cancellation: CANCELLATION });
      },
    });

    await door.cancellations.resolveIncident({ cancellationId: "c-1" });
    await door.cancellations.resolveIncident({ cancellationId: "c-1", retries: 5 });

    expect(retried).toEqual([1, 5]);
  });
});
