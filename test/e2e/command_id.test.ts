import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cancellation, EventType, StopProof } from "../../gen/belay/v1/cancellation_pb.ts";
import { CancelProcessResponseSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { type Door, grpcDoor, httpDoor } from "./doors.ts";
import { startServer, type TestServer } from "./server.ts";
import { startWork, stopWhenTold } from "./work.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

function cancelOf({ id: processId }: ExecutionRef): JsonObject {
  return { processId, reason: "wrong input", requestedBy: { system: "test", metadata: { b: 1, a: [2] } } };
}

/** The cancellations that the execution has had, as the requests in its timeline tell. */
async function requestsOf(execution: ExecutionRef): Promise<EventType[]> {
  const { process } = await clients.executions.getProcess({ processId: execution.id });
  const cancellationId = process?.execution?.cancellation?.id ?? "";
  const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
  const asked: readonly EventType[] = [
    EventType.CANCELLATION_REQUESTED,
    EventType.CANCELLATION_JOINED,
    EventType.CANCELLATION_ESCALATED,
  ];
  return cancellation?.timeline.map(({ type }) => type).filter((type) => asked.includes(type)) ?? [];
}

/** Where a caller may name its command. */
const NAMINGS = [
  {
    naming: "command_id",
    named: (request: JsonObject, commandId: string) => ({ request: { ...request, commandId }, headers: {} }),
  },
  {
    naming: "the header Idempotency-Key",
    named: (request: JsonObject, commandId: string) => ({
      request,
      headers: { "idempotency-key": `"${commandId}"` },
    }),
  },
];

describe.each([
  { name: "HTTP/JSON", doorTo: httpDoor, unprocessable: 422 },
  { name: "gRPC", doorTo: grpcDoor, unprocessable: null },
])("over $name", ({ doorTo, unprocessable }) => {
  let door: Door;
  beforeAll(() => {
    door = doorTo(server.url);
  });
  afterAll(() => door.close());

  const read = (answer: Awaited<ReturnType<Door["call"]>>): Cancellation | undefined =>
    door.read(CancelProcessResponseSchema, answer).cancellation;

  describe.each(NAMINGS)("with $naming", ({ named }) => {
    it("the same request is answered as the first time, byte for byte, whatever has happened since", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const { request, headers } = named(cancelOf(work.ref), randomUUID());
      const first = await door.call("CancelProcess", request, { headers });
      await stopWhenTold(clients, work);

      const second = await door.call("CancelProcess", request, { headers });

      expect(first.error).toBeNull();
      expect(read(first)?.stopProof).toBe(StopProof.PENDING);
      expect(Buffer.from(second.body)).toEqual(Buffer.from(first.body));
      expect(await requestsOf(work.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
    });

    it("another request is refused", async () => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      const { request, headers } = named(cancelOf(ref), randomUUID());
      await door.call("CancelProcess", request, { headers });

      const { status, error } = await door.call("CancelProcess", { ...request, reason: "another" }, { headers });

      expect(status).toBe(unprocessable);
      expect(error).toMatchObject({ code: "invalid_argument", reason: "IDEMPOTENCY_KEY_REUSED", retryAfter: null });
      expect(Object.keys(error?.violations ?? {})).toEqual(["command_id"]);
      expect(await requestsOf(ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
    });

    it("a request for another execution is another command, and is carried out", async () => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      const other = await startWork(clients, Kind.PROCESS);
      const commandId = randomUUID();
      const first = named(cancelOf(ref), commandId);
      await door.call("CancelProcess", first.request, { headers: first.headers });

      const second = named(cancelOf(other.ref), commandId);
      const { error } = await door.call("CancelProcess", second.request, { headers: second.headers });

      expect(error).toBeNull();
      const { process } = await clients.executions.getProcess({ processId: other.ref.id });
      expect(process?.execution?.state).toBe(ExecutionState.CANCELLING);
    });

    it("two requests at once give one cancellation and one answer", async () => {
      const { ref } = await startWork(clients, Kind.PROCESS);
      const { request, headers } = named(cancelOf(ref), randomUUID());

      const [one, other] = await Promise.all([
        door.call("CancelProcess", request, { headers }),
        door.call("CancelProcess", request, { headers }),
      ]);

      expect([one.error, other.error]).toEqual([null, null]);
      expect(Buffer.from(other.body)).toEqual(Buffer.from(one.body));
      expect(await requestsOf(ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
    });
  });

  it("two requests without a name are two requests", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);

    const first = await door.call("CancelProcess", cancelOf(ref));
    const second = await door.call("CancelProcess", cancelOf(ref));

    expect(read(second)?.id).toBe(read(first)?.id);
    expect(await requestsOf(ref)).toEqual([EventType.CANCELLATION_REQUESTED, EventType.CANCELLATION_JOINED]);
  });

  it("the same id on another RPC names another command", async () => {
    const commandId = randomUUID();
    const process = await startWork(clients, Kind.PROCESS);
    const assessment = await startWork(clients, Kind.ASSESSMENT);
    await door.call("CancelProcess", { ...cancelOf(process.ref), commandId });

    const { error } = await door.call("CancelAssessmentWorkflow", { assessmentId: assessment.ref.id, commandId });

    expect(error).toBeNull();
  });

  it("a refused command is not remembered: it may succeed later", async () => {
    const id = randomUUID();
    const request = { ...cancelOf({ $typeName: "belay.v1.ExecutionRef", kind: Kind.PROCESS, id }), commandId: id };
    const early = await door.call("CancelProcess", request);
    await clients.executions.registerExecution({ kind: Kind.PROCESS, id });

    const later = await door.call("CancelProcess", request);

    expect(early.error?.reason).toBe("EXECUTION_NOT_FOUND");
    expect(later.error).toBeNull();
  });

  it("a command keeps its name and its answer over a restart", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);
    const request = { ...cancelOf(ref), commandId: randomUUID() };
    const first = await door.call("CancelProcess", request);
    await server.kill();
    await server.restart();

    const second = await door.call("CancelProcess", request);
    const other = await door.call("CancelProcess", { ...request, reason: "another" });

    expect(Buffer.from(second.body)).toEqual(Buffer.from(first.body));
    expect(other.error?.reason).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it("what names the command must be readable", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);

    const { error } = await door.call("CancelProcess", cancelOf(ref), { headers: { "idempotency-key": '"half' } });

    expect(error).toMatchObject({ code: "invalid_argument", reason: "INVALID_REQUEST" });
    expect(Object.keys(error?.violations ?? {})).toEqual(["Idempotency-Key"]);
  });
});

describe("one command over both doors", () => {
  it("is one command", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);
    const request = { ...cancelOf(ref), commandId: randomUUID() };
    const [http, grpc] = [httpDoor(server.url), grpcDoor(server.url)];

    const overHttp = await http.call("CancelProcess", request);
    const overGrpc = await grpc.call("CancelProcess", request);

    expect(grpc.read(CancelProcessResponseSchema, overGrpc)).toEqual(http.read(CancelProcessResponseSchema, overHttp));
    expect(await requestsOf(ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
    grpc.close();
  });
});
