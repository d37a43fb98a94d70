import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  CancellationOutcome,
  CancellationStage,
  EventType,
  StopProof,
  Strategy,
  TerminationStatus,
} from "../../gen/belay/v1/cancellation_pb.ts";
import {
  ExecutionState,
  ProcessStatus,
  QueueItemState,
  RunLifecycleKind,
  TriggerType,
  WorkflowState,
} from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { RegisterExecutionRequestSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import type { Cancellation } from "../../src/domain/cancellation.ts";
import { assessmentMessage } from "../../src/rpc/convert/assessment.ts";
import { cancellationMessage } from "../../src/rpc/convert/cancellation.ts";
import { executionMessage } from "../../src/rpc/convert/execution.ts";
import { integerOf } from "../../src/rpc/convert/integer.ts";
import { jsonObjectMessage, jsonObjectOf } from "../../src/rpc/convert/json.ts";
import { processMessage } from "../../src/rpc/convert/process.ts";
import { processInstanceMessage } from "../../src/rpc/convert/process_instance.ts";
import { registerRequestOf } from "../../src/rpc/convert/registration.ts";
import { millisOfTimestamp } from "../../src/rpc/convert/time.ts";
import { workflowInstanceMessage } from "../../src/rpc/convert/workflow_instance.ts";
import { workflowRunMessage } from "../../src/rpc/convert/workflow_run.ts";
import { CANCELLATION, ENDED, EVENT, executionOf, LEASE, NOON, SPEC } from "./samples.ts";

describe("an execution", () => {
  it("shows what all kinds share", () => {
    const execution = executionOf("process", {
      spec: {
        ...SPEC,
        parent: { kind: "workflow_run", id: "r-1" },
        root: { kind: "workflow_run", id: "r-0" },
        labels: { team: "blue" },
        listeners: [{ type: "cleanup", retries: 3 }],
      },
      result: { rows: [1, 2] },
    });

    expect(executionMessage(execution)).toMatchObject({
      ref: { kind: Kind.PROCESS, id: "p-1" },
      state: ExecutionState.RUNNING,
      stopProof: StopProof.NONE,
      engine: "worker",
      parent: { kind: Kind.WORKFLOW_RUN, id: "r-1" },
      root: { kind: Kind.WORKFLOW_RUN, id: "r-0" },
      labels: { team: "blue" },
      workerId: "w-1",
      leaseExpireTime: timestampFromMs(LEASE.expiresAt),
      listeners: [{ type: "cleanup", retries: 3 }],
      startTime: timestampFromMs(NOON - 30_000),
      result: { rows: [1, 2] },
    });
  });

  it("leaves unset what it does not have", () => {
    const message = executionMessage(executionOf("process", { lease: null, startedAt: null, state: "pending" }));

    expect(message.workerId).toBe("");
    for (const field of ["parent", "root", "leaseExpireTime", "startTime", "endTime", "result", "error"] as const) {
      expect(message[field]).toBeUndefined();
    }
    expect(message.cancellation).toBeUndefined();
  });

  it("shows its error", () => {
    const error = { type: "Timeout", message: "too slow", step: "dial", details: { tries: 3 } };

    expect(executionMessage(executionOf("process", { state: "failed", error })).error).toMatchObject(error);
  });

  it("shows no lease once its work has ended, though the worker that held it", () => {
    const message = executionMessage(executionOf("process", { state: "completed", endedAt: NOON }));

    expect(message.leaseExpireTime).toBeUndefined();
    expect(message.workerId).toBe("w-1");
  });

  it("shows a lease while its stop is not proven", () => {
    const message = executionMessage(executionOf("process", { state: "cancelling", cancellation: CANCELLATION }));

    expect(message.leaseExpireTime).toEqual(timestampFromMs(LEASE.expiresAt));
  });
});

describe("a cancellation", () => {
  const execution = executionOf("process");

  it("shows how it goes", () => {
    expect(cancellationMessage({ execution, cancellation: CANCELLATION }, [EVENT])).toMatchObject({
      id: "c-1",
      execution: { kind: Kind.PROCESS, id: "p-1" },
      strategy: Strategy.SOFT_THEN_FORCE,
      forceAfterSeconds: 10,
      reason: "wrong phone",
      requestedBy: { system: "bot", user: "ada", metadata: { ticket: [1, { deep: null }] } },
      stage: CancellationStage.STOPPING,
      outcome: CancellationOutcome.PENDING,
      stopProof: StopProof.PENDING,
      termination: TerminationStatus.PENDING,
      overdue: false,
      requestTime: timestampFromMs(NOON),
      forceTime: timestampFromMs(NOON + 10_000),
      timeline: [
        {
          sequence: 7n,
          time: timestampFromMs(NOON),
          type: EventType.CANCELLATION_REQUESTED,
          message: "cancellation requested (soft_then_force): wrong phone",
          execution: { kind: Kind.PROCESS, id: "p-1" },
          cancellationId: "c-1",
          attributes: { strategy: "soft_then_force", reason: "wrong phone" },
        },
      ],
    });
  });

  it("has no timeline unless it is given one", () => {
    expect(cancellationMessage({ execution, cancellation: CANCELLATION }).timeline).toEqual([]);
  });

  it("has a time to force only where it may come to that", () => {
    const soft: Cancellation = { ...CANCELLATION, strategy: "soft", forceAt: null };

    const message = cancellationMessage({ execution, cancellation: soft });

    expect(message.forceAfterSeconds).toBe(0);
    expect(message.forceTime).toBeUndefined();
  });

  it("shows an incident while an operator is needed", () => {
    const cancellation: Cancellation = {
      ...CANCELLATION,
      stage: "listeners",
      incidentAt: NOON,
      overdueReason: "listener 'cleanup' has an incident",
      listenerJob: {
        key: "c-1:0",
        index: 0,
        type: "cleanup",
        state: "incident",
        retries: 0,
        activation: 3,
        workerId: null,
        availableAt: NOON,
        message: "disk full",
      },
    };

    const message = cancellationMessage({ execution, cancellation });

    expect(message).toMatchObject({ overdue: true, overdueReason: "listener 'cleanup' has an incident" });
    expect(message.incident).toMatchObject({
      jobKey: "c-1:0",
      listenerType: "cleanup",
      message: "disk full",
      time: timestampFromMs(NOON),
    });
    expect(processInstanceMessage(executionOf("process_instance", { cancellation })).hasIncident).toBe(true);
  });
});

describe("a process", () => {
  it.each([
    ["pending", false, ProcessStatus.QUEUED],
    ["running", false, ProcessStatus.EXECUTING],
    ["running", true, ProcessStatus.RETRYING],
    ["cancelling", false, ProcessStatus.EXECUTING],
    ["completed", true, ProcessStatus.COMPLETED],
    ["failed", false, ProcessStatus.FAILED_TERMINAL],
    ["cancelled", true, ProcessStatus.CANCELLED],
  ] as const)("that is %s (lease expired: %s) has its public status", (state, expired, status) => {
    expect(processMessage(executionOf("process", { state, lease: { ...LEASE, expired } })).status).toBe(status);
  });

  it("shows its detail and its queue items", () => {
    const message = processMessage(
      executionOf("process", {
        spec: { ...SPEC, detail: { processType: "dial", target: { phoneId: "ph-1" }, linkedIds: { crm: "7" } } },
        queueItems: [{ id: "q-1", state: "executing" }],
      }),
    );

    expect(message.detail).toMatchObject({ processType: "dial", target: { phoneId: "ph-1" }, linkedIds: { crm: "7" } });
    expect(message.queueItems).toMatchObject([{ id: "q-1", state: QueueItemState.EXECUTING }]);
  });

  it("passes over details that a later version wrote", () => {
    const spec = { ...SPEC, detail: { processType: "dial", colour: "blue" } };

    expect(processMessage(executionOf("process", { spec })).detail?.processType).toBe("dial");
  });
});

describe("a workflow instance", () => {
  it("names its workflow", () => {
    const spec = { ...SPEC, detail: { workflowId: "wf-1" }, workflowId: "wf-1" };

    expect(workflowInstanceMessage(executionOf("workflow_instance", { spec })).detail?.workflowId).toBe("wf-1");
  });
});

describe("an assessment", () => {
  it.each([
    ["running", WorkflowState.ACTIVE],
    ["completed", WorkflowState.ACTIVE],
    ["failed", WorkflowState.ERROR],
    ["cancelled", WorkflowState.CANCELLED],
  ] as const)("that is %s has its workflow's state", (state, workflowState) => {
    expect(assessmentMessage(executionOf("assessment", { state })).workflowState).toBe(workflowState);
  });

  it("has an outcome once it has come to one", () => {
    expect(assessmentMessage(executionOf("assessment")).outcomeId).toBeUndefined();
    expect(assessmentMessage(executionOf("assessment", { outcomeId: "o-1" })).outcomeId).toBe("o-1");
  });
});

describe("a workflow run", () => {
  it.each([
    ["pending", RunLifecycleKind.PENDING, undefined],
    ["running", RunLifecycleKind.RUNNING, undefined],
    ["cancelling", RunLifecycleKind.RUNNING, undefined],
    ["completed", RunLifecycleKind.COMPLETED, undefined],
    ["failed", RunLifecycleKind.ERROR, "no disk"],
    ["cancelled", RunLifecycleKind.CANCELLED, "wrong phone"],
  ] as const)("that is %s has its lifecycle and the reason of its end", (state, kind, reason) => {
    const error = { type: "Io", message: "no disk", step: "", details: {} };

    const { lifecycle } = workflowRunMessage(executionOf("workflow_run", { state, error, cancellation: ENDED }));

    expect(lifecycle?.kind).toBe(kind);
    expect(lifecycle?.reason).toBe(reason);
  });

  it("has a duration once it has ended", () => {
    const going = workflowRunMessage(executionOf("workflow_run"));
    const gone = workflowRunMessage(executionOf("workflow_run", { state: "completed", endedAt: NOON }));

    expect(going.timing?.durationMs).toBeUndefined();
    expect(gone.timing).toMatchObject({
      createdAt: timestampFromMs(NOON - 60_000),
      startedAt: timestampFromMs(NOON - 30_000),
      completedAt: timestampFromMs(NOON),
      durationMs: 30_000n,
    });
  });
});

describe("a registration", () => {
  it("takes the defaults of the contract", () => {
    const request = create(RegisterExecutionRequestSchema, {
      kind: Kind.WORKFLOW_RUN,
      listeners: [{ type: "cleanup" }, { type: "audit", retries: 5 }],
      queueItems: [{ id: "q-1" }, { id: "q-2", state: QueueItemState.EXECUTING }],
      claim: { workerId: "w-1" },
    });

    expect(registerRequestOf("acme", request)).toEqual({
      tenant: "acme",
      kind: "workflow_run",
      id: "",
      spec: {
        engine: "worker",
        parent: null,
        labels: {},
        listeners: [
          { type: "cleanup", retries: 3 },
          { type: "audit", retries: 5 },
        ],
        detail: { triggerType: "TRIGGER_TYPE_API" },
        workflowId: null,
        canceledOutcomeId: null,
        callbackUrl: null,
      },
      queueItems: [
        { id: "q-1", state: "pending" },
        { id: "q-2", state: "executing" },
      ],
      claim: { workerId: "w-1", leaseDuration: 15_000 },
    });
  });

  it("keeps the detail of its kind as protobuf JSON", () => {
    const request = create(RegisterExecutionRequestSchema, {
      kind: Kind.PROCESS,
      detail: {
        case: "process",
        value: { processType: "dial", requestedBy: { system: "bot", metadata: { tags: ["a"] } } },
      },
    });

    expect(registerRequestOf("acme", request).spec.detail).toEqual({
      processType: "dial",
      requestedBy: { system: "bot", metadata: { tags: ["a"] } },
    });
  });

  it("takes the workflow of an instance and the canceled outcome of an assessment from their details", () => {
    const instance = create(RegisterExecutionRequestSchema, {
      kind: Kind.WORKFLOW_INSTANCE,
      detail: { case: "workflowInstance", value: { workflowId: "wf-1" } },
    });
    const assessment = create(RegisterExecutionRequestSchema, {
      kind: Kind.ASSESSMENT,
      detail: { case: "assessment", value: { canceledOutcomeId: "o-9" } },
    });

    expect(registerRequestOf("acme", instance).spec.workflowId).toBe("wf-1");
    expect(registerRequestOf("acme", assessment).spec.canceledOutcomeId).toBe("o-9");
  });

  it("keeps the trigger that is named", () => {
    const request = create(RegisterExecutionRequestSchema, {
      kind: Kind.WORKFLOW_RUN,
      detail: { case: "workflowRun", value: { triggerType: TriggerType.SCHEDULE } },
    });

    expect(registerRequestOf("acme", request).spec.detail).toEqual({ triggerType: "TRIGGER_TYPE_SCHEDULE" });
  });

  it("refuses numbers that JSON can't hold", () => {
    const request = create(RegisterExecutionRequestSchema, {
      kind: Kind.WORKFLOW_RUN,
      detail: { case: "workflowRun", value: { inputs: { documents: { pages: Number.NaN } } } },
    });

    expect(() => registerRequestOf("acme", request)).toThrow(
      "workflow_run.inputs.documents must not hold NaN or an infinite number",
    );
  });
});

describe("JSON", () => {
  it("comes back as it went", () => {
    const json = { a: [1, "two", null, [true], { b: {} }], ["__proto__"]: { c: 1 } };

    expect(jsonObjectOf(jsonObjectMessage(json), "field")).toEqual(json);
  });

  it("is refused with numbers that it can't hold", () => {
    expect(() => jsonObjectOf({ a: [{ b: Number.POSITIVE_INFINITY }] }, "result")).toThrow("result must not hold");
  });
});

describe("a 64-bit integer", () => {
  it.each([0n, -1n, BigInt(Number.MAX_SAFE_INTEGER)])("that a number can hold is that number: %s", (value) => {
    expect(integerOf(value, "token")).toBe(Number(value));
  });

  it.each([2n ** 53n, 2n ** 63n - 1n, -(2n ** 53n)])("that no number can hold is refused: %s", (value) => {
    expect(() => integerOf(value, "token")).toThrow("token must be an integer");
  });
});

describe("a time", () => {
  it("is refused outside of the years that a timestamp may have", () => {
    const message = { ...timestampFromMs(NOON), seconds: 10n ** 15n };

    expect(() => millisOfTimestamp(message, "filter.created_after")).toThrow("filter.created_after must be a time");
  });
});
