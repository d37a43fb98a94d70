import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationOutcome, CancellationStage, EventType, StopProof } from "../../gen/belay/v1/cancellation_pb.ts";
import { CancelProcessInstanceResponseSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { type Door, grpcDoor, httpDoor } from "./doors.ts";
import { startServer, type TestServer } from "./server.ts";
import { startWork, stopWhenTold, type Work } from "./work.ts";

/** Milliseconds: less than any wait for a job that nobody does. */
const SHORT_DEADLINE = 300;

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

interface Listened {
  readonly work: Work;
  /** The type of its listener, which no other execution has. */
  readonly listenerType: string;
  /** Resolves when the work has reported its stop. */
  readonly stopped: Promise<void>;
}

/** A process instance that stops as soon as it is told to, and then waits for its listener. */
async function startListened(): Promise<Listened> {
  const listenerType = randomUUID();
  const work = await startWork(clients, Kind.PROCESS_INSTANCE, { listeners: [listenerType] });
  return { work, listenerType, stopped: stopWhenTold(clients, work) };
}

/** Does the one job of a listener. */
async function doJob(listenerType: string): Promise<void> {
  const { jobs } = await clients.workers.activateListenerJobs({
    workerId: "listener-worker",
    types: [listenerType],
    waitSeconds: 10,
  });
  for (const { key, activation } of jobs) await clients.workers.completeListenerJob({ jobKey: key, activation });
}

/** Resolves when the execution's timeline has an event of this type. */
async function untilHappened({ ref }: Work, type: EventType): Promise<void> {
  for await (const { event } of clients.executions.watchExecution({ execution: ref })) {
    if (event?.type === type) return;
  }
  throw new Error(`the execution ended without an event of type ${type}`);
}

describe.each([
  { name: "HTTP/JSON", doorTo: httpDoor, gatewayTimeout: 504, ok: 200 },
  { name: "gRPC", doorTo: grpcDoor, gatewayTimeout: null, ok: null },
])("a cancel over $name, whose listener no worker completes", ({ doorTo, gatewayTimeout, ok }) => {
  let door: Door;
  beforeAll(() => {
    door = doorTo(server.url);
  });
  afterAll(() => door.close());

  /** Asks and gives up. Resolves with the id of the cancellation, which goes on, once nothing but the listener's job is left to do. */
  async function giveUp(request: JsonObject, { stopped }: Listened): Promise<string> {
    const { error } = await door.call("CancelProcessInstance", request, { timeout: SHORT_DEADLINE });
    await stopped;
    return error?.metadata["cancellation_id"] ?? "";
  }

  it("is answered with DEADLINE_EXCEEDED, and goes on", async () => {
    const { work, stopped } = await startListened();

    const { status, error, field } = await door.call(
      "CancelProcessInstance",
      { processInstanceKey: work.ref.id },
      { timeout: SHORT_DEADLINE },
    );

    await stopped;
    expect(status).toBe(gatewayTimeout);
    expect(error).toMatchObject({ code: "deadline_exceeded", reason: "STILL_CANCELLING", retryAfter: 1 });
    expect(field("retry-after")).toBe("1");
    const { processInstance } = await clients.executions.getProcessInstance({ processInstanceKey: work.ref.id });
    expect(processInstance?.execution).toMatchObject({
      state: ExecutionState.CANCELLING,
      cancellation: {
        id: error?.metadata["cancellation_id"],
        stage: CancellationStage.LISTENERS,
        outcome: CancellationOutcome.PENDING,
        stopProof: StopProof.CONFIRMED,
      },
    });
  });

  it("is joined by a retry, which succeeds when the job is done", async () => {
    const listened = await startListened();
    const request = { processInstanceKey: listened.work.ref.id, reason: "wrong input" };
    const cancellationId = await giveUp(request, listened);

    const retry = door.call("CancelProcessInstance", request);
    await untilHappened(listened.work, EventType.CANCELLATION_JOINED);
    await doJob(listened.listenerType);
    const answer = await retry;

    expect(answer).toMatchObject({ status: ok, error: null });
    const { cancellation, processInstance } = door.read(CancelProcessInstanceResponseSchema, answer);
    expect(cancellation).toMatchObject({
      id: cancellationId,
      outcome: CancellationOutcome.CANCELLED,
      stopProof: StopProof.CONFIRMED,
    });
    expect(processInstance?.execution?.state).toBe(ExecutionState.CANCELLED);
  });

  it("is waited for again by a retry with the same command_id, which leaves no trace of its own", async () => {
    const listened = await startListened();
    const { id } = listened.work.ref;
    const request = { processInstanceKey: id, commandId: `stop ${id}` };
    const cancellationId = await giveUp(request, listened);

    const retry = door.call("CancelProcessInstance", request);
    await doJob(listened.listenerType);
    const answer = await retry;

    expect(answer).toMatchObject({ status: ok, error: null });
    const { cancellation } = door.read(CancelProcessInstanceResponseSchema, answer);
    expect(cancellation).toMatchObject({ id: cancellationId, outcome: CancellationOutcome.CANCELLED });
    expect(cancellation?.timeline.map(({ type }) => type)).not.toContain(EventType.CANCELLATION_JOINED);
  });
});
