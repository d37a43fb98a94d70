import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CancelAssessmentWorkflowResponseSchema,
  CancelProcessResponseSchema,
  CancelProcessStatus,
  CancelWorkflowRunResponseSchema,
  RunCancellationStatus,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionState, ProcessStatus, RunLifecycleKind, WorkflowState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { type Door, grpcDoor, httpDoor } from "./doors.ts";
import { REFUSALS } from "./refusals.ts";
import { startServer, type TestServer } from "./server.ts";
import { cancelledWork, finishedWork } from "./work.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

describe.each([
  { name: "HTTP/JSON", doorTo: httpDoor, isHttp: true },
  { name: "gRPC", doorTo: grpcDoor, isHttp: false },
])("over $name", ({ doorTo, isHttp }) => {
  let door: Door;
  beforeAll(() => {
    door = doorTo(server.url);
  });
  afterAll(() => door.close());

  it.each(REFUSALS)("$name is refused: $code, $reason", async (refusal) => {
    const request = await refusal.request(clients);

    const { status, error } = await door.call(refusal.rpc, request);

    expect(error).toMatchObject({
      code: refusal.code,
      reason: refusal.reason,
      domain: "belay.v1",
      metadata: refusal.metadata?.(request) ?? {},
      resource: refusal.resource === undefined ? null : expect.stringContaining(refusal.resource),
      retryAfter: null,
    });
    expect(error?.message).not.toBe("");
    expect(Object.keys(error?.violations ?? {}).sort()).toEqual([...(refusal.fields ?? [])].sort());
    expect(status).toBe(isHttp ? refusal.status : null);
  });

  it("the cancel of a finished process is answered with IGNORED_TERMINAL", async () => {
    const { ref } = await finishedWork(clients, Kind.PROCESS);

    const answer = await door.call("CancelProcess", {
      processId: ref.id,
      reason: "wrong input",
      requestedBy: { system: "test" },
    });

    expect(answer).toMatchObject({ error: null, status: isHttp ? 200 : null });
    const { status, process, cancellation } = door.read(CancelProcessResponseSchema, answer);
    expect(status).toBe(CancelProcessStatus.IGNORED_TERMINAL);
    expect(process).toMatchObject({ status: ProcessStatus.COMPLETED, execution: { state: ExecutionState.COMPLETED } });
    expect(cancellation).toBeUndefined();
  });

  it("the cancel of a cancelled process is answered with IGNORED_TERMINAL and its cancellation", async () => {
    const { ref } = await cancelledWork(clients, Kind.PROCESS);

    const answer = await door.call("CancelProcess", {
      processId: ref.id,
      reason: "wrong input",
      requestedBy: { system: "test" },
    });

    const { status, process, cancellation } = door.read(CancelProcessResponseSchema, answer);
    expect(status).toBe(CancelProcessStatus.IGNORED_TERMINAL);
    expect(process?.status).toBe(ProcessStatus.CANCELLED);
    expect(cancellation?.execution).toEqual(ref);
  });

  it("the cancel of a finished run is answered with CANCELLATION_FAILED and its actual state", async () => {
    const { ref } = await finishedWork(clients, Kind.WORKFLOW_RUN);

    const answer = await door.call("CancelWorkflowRun", { runId: ref.id });

    expect(answer).toMatchObject({ error: null, status: isHttp ? 200 : null });
    const { cancellationStatus, run, cancellation } = door.read(CancelWorkflowRunResponseSchema, answer);
    expect(cancellationStatus).toBe(RunCancellationStatus.CANCELLATION_FAILED);
    expect(run?.lifecycle?.kind).toBe(RunLifecycleKind.COMPLETED);
    expect(cancellation).toBeUndefined();
  });

  it("the cancel of a cancelled run is answered with CANCELLED", async () => {
    const { ref } = await cancelledWork(clients, Kind.WORKFLOW_RUN);

    const answer = await door.call("CancelWorkflowRun", { runId: ref.id });

    const { cancellationStatus, run } = door.read(CancelWorkflowRunResponseSchema, answer);
    expect(cancellationStatus).toBe(RunCancellationStatus.CANCELLED);
    expect(run?.lifecycle?.kind).toBe(RunLifecycleKind.CANCELLED);
  });

  it("the cancel of a cancelled assessment succeeds and changes nothing", async () => {
    const { ref } = await cancelledWork(clients, Kind.ASSESSMENT);
    const before = await clients.executions.getAssessment({ assessmentId: ref.id });

    const answer = await door.call("CancelAssessmentWorkflow", { assessmentId: ref.id });

    expect(answer).toMatchObject({ error: null, status: isHttp ? 200 : null });
    const { assessment } = door.read(CancelAssessmentWorkflowResponseSchema, answer);
    expect(assessment?.workflowState).toBe(WorkflowState.CANCELLED);
    expect(assessment).toEqual(before.assessment);
  });
});
