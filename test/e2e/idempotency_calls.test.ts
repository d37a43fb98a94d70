import { randomUUID } from "node:crypto";
import { type DescService, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExecutionRef, ExecutionRefSchema, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { RegisterExecutionResponseSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { SERVICES } from "../../src/rpc/routes.ts";
import { CANCEL_RPCS } from "./cancel_doors.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { type Door, grpcDoor, httpDoor } from "./doors.ts";
import { startServer, type TestServer } from "./server.ts";
import { newId, startWork, stopWhenTold, type Work } from "./work.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

interface Repeatable {
  readonly rpc: string;
  readonly name: string;
  /** Sees to what the call needs, and gives its request. */
  readonly request: () => Promise<JsonObject>;
  /** Another request about the same execution. */
  readonly change: JsonObject;
}

const refJson = (ref: ExecutionRef): JsonValue => toJson(ExecutionRefSchema, ref);

const named = ({ ref, token }: Work): JsonObject => ({ execution: refJson(ref), token: String(token) });

/** A process whose cancellation waits for its listener, with the job. Null: nobody has taken it. */
async function takenJob(): Promise<{ readonly jobKey: string; readonly activation: string }> {
  const type = randomUUID();
  const { execution } = await clients.executions.registerExecution({ kind: Kind.PROCESS, listeners: [{ type }] });
  await clients.cancellations.cancelProcess({
    processId: execution!.ref!.id,
    reason: "wrong input",
    requestedBy: { system: "test" },
  });
  const { jobs } = await clients.workers.activateListenerJobs({ workerId: "w-1", types: [type], waitSeconds: 10 });
  return { jobKey: jobs[0]!.key, activation: String(jobs[0]!.activation) };
}

async function cancelling(): Promise<Work> {
  const work = await startWork(clients, Kind.PROCESS);
  await clients.cancellations.cancelProcess({
    processId: work.ref.id,
    reason: "wrong input",
    requestedBy: { system: "test" },
  });
  return work;
}

const CALLS: readonly Repeatable[] = [
  {
    rpc: "RegisterExecution",
    name: "under an id",
    request: async () => ({ kind: "KIND_PROCESS", id: newId(Kind.PROCESS), claim: { workerId: "w-1" } }),
    change: { labels: { team: "another" } },
  },
  {
    rpc: "RegisterExecution",
    name: "under an id that is minted",
    request: async () => ({ kind: "KIND_PROCESS", claim: { workerId: "w-1" } }),
    change: { kind: "KIND_WORKFLOW_RUN" },
  },
  {
    rpc: "RegisterExecution",
    name: "under a number that is minted",
    request: async () => ({ kind: "KIND_PROCESS_INSTANCE", processInstance: { processDefinitionId: "order" } }),
    change: { claim: { workerId: "w-1" } },
  },
  {
    rpc: "StartExecution",
    name: "of a registered execution",
    request: async () => {
      const { execution } = await clients.executions.registerExecution({ kind: Kind.PROCESS });
      return { execution: refJson(execution!.ref!), claim: { workerId: "w-1" } };
    },
    change: { claim: { workerId: "w-1", leaseSeconds: 60 } },
  },
  {
    rpc: "CompleteExecution",
    name: "with a result",
    request: async () => ({ ...named(await startWork(clients, Kind.PROCESS)), result: { rows: 3 } }),
    change: { result: { rows: 4 } },
  },
  {
    rpc: "FailExecution",
    name: "with an error",
    request: async () => ({ ...named(await startWork(clients, Kind.PROCESS)), error: { type: "disk_full" } }),
    change: { error: { type: "another" } },
  },
  {
    rpc: "ReportStopped",
    name: "with evidence",
    request: async () => ({ ...named(await cancelling()), evidence: "exit code 143" }),
    change: { evidence: "another" },
  },
  { rpc: "CompleteListenerJob", name: "of an activation", request: takenJob, change: { activation: "7" } },
  {
    rpc: "FailListenerJob",
    name: "that is tried again",
    request: async () => ({ ...(await takenJob()), retries: 2 }),
    change: { retries: 1 },
  },
  {
    rpc: "ResolveIncident",
    name: "of a listener",
    request: async () => {
      const job = await takenJob();
      await clients.workers.failListenerJob({ jobKey: job.jobKey, activation: BigInt(job.activation), retries: 0 });
      return { cancellationId: job.jobKey.replace(/:\d+$/, ""), retries: 2 };
    },
    change: { retries: 1 },
  },
];

/** The calls that take no key, and why that does no harm. */
const WITHOUT_KEY: readonly string[] = [
  "Heartbeat", // extends the lease from now on, however often
  "ActivateListenerJobs", // a job whose activation got lost is given out again when its lock ends
  "CreateKey", // refuses a key: a secret can't be answered again
  "RevokeKey", // revoking again changes nothing
];

describe("every RPC that changes something", () => {
  const isChange = (service: DescService): string[] =>
    service.methods
      .filter(({ methodKind, idempotency }) => methodKind === "unary" && idempotency !== NO_SIDE_EFFECTS)
      .map(({ name }) => name);
  const NO_SIDE_EFFECTS = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

  it("is repeated in these tests, or needs no key", () => {
    const known = [...CALLS.map(({ rpc }) => rpc), ...CANCEL_RPCS.map(({ rpc }) => rpc), ...WITHOUT_KEY];

    expect(new Set(SERVICES.flatMap(isChange))).toEqual(new Set(known));
  });
});

describe.each([
  { wire: "HTTP/JSON", doorTo: httpDoor, unprocessable: 422 },
  { wire: "gRPC", doorTo: grpcDoor, unprocessable: null },
])("over $wire", ({ doorTo, unprocessable }) => {
  let door: Door;
  beforeAll(() => {
    door = doorTo(server.url);
  });
  afterAll(() => door.close());

  describe.each(CALLS)("$rpc $name", ({ rpc, request: arrange, change }) => {
    it("is answered the same again, byte for byte", async () => {
      const request = await arrange();
      const headers = { "idempotency-key": randomUUID() };
      const first = await door.call(rpc, request, { headers });

      const second = await door.call(rpc, request, { headers });

      expect([first.error, second.error]).toEqual([null, null]);
      expect(Buffer.from(second.body)).toEqual(Buffer.from(first.body));
    });

    it("is answered the same to those who ask at once", async () => {
      const request = await arrange();
      const headers = { "idempotency-key": randomUUID() };

      const [one, other] = await Promise.all([
        door.call(rpc, request, { headers }),
        door.call(rpc, request, { headers }),
      ]);

      expect([one.error, other.error]).toEqual([null, null]);
      expect(Buffer.from(other.body)).toEqual(Buffer.from(one.body));
    });

    it("refuses the key for another request", async () => {
      const request = await arrange();
      const headers = { "idempotency-key": randomUUID() };
      await door.call(rpc, request, { headers });

      const { status, error } = await door.call(rpc, { ...request, ...change }, { headers });

      expect(status).toBe(unprocessable);
      expect(error).toMatchObject({ code: "invalid_argument", reason: "IDEMPOTENCY_KEY_REUSED" });
      expect(Object.keys(error?.violations ?? {})).toEqual(["Idempotency-Key"]);
    });
  });
});

describe("a worker whose registration was answered in vain", () => {
  it("gets its lease under the same key, also if the execution was cancelled in between, and then its order", async () => {
    const door = httpDoor(server.url);
    const request = { kind: "KIND_PROCESS", claim: { workerId: randomUUID() } };
    const headers = { "idempotency-key": randomUUID() };
    const { execution: lost } = door.read(
      RegisterExecutionResponseSchema,
      await door.call("RegisterExecution", request, { headers }),
    );
    const cancel = { processId: lost!.ref!.id, reason: "wrong input", requestedBy: { system: "test" } };
    await clients.cancellations.cancelProcess(cancel);

    const answer = await door.call("RegisterExecution", request, { headers });

    const { execution, lease } = door.read(RegisterExecutionResponseSchema, answer);
    expect(execution?.ref).toEqual(lost?.ref);
    const beat = { workerId: request.claim.workerId, leases: [{ execution: lost!.ref!, token: lease!.token }] };
    const { leases } = await clients.workers.heartbeat(beat);
    expect(leases[0]?.signal).toBe(StopSignal.STOP);
    const work: Work = { ref: lost!.ref!, workerId: request.claim.workerId, token: lease!.token };
    await stopWhenTold(clients, work);
  });
});

describe("without a key", () => {
  it.each(["CompleteExecution", "FailExecution", "ReportStopped"])("%s is fenced by its token", async (rpc) => {
    const door = httpDoor(server.url);
    const { request: arrange } = CALLS.find((call) => call.rpc === rpc)!;
    const request = await arrange();
    const first = await door.call(rpc, request);

    const second = await door.call(rpc, request);

    expect([first.error, second.error]).toEqual([null, null]);
    expect(Buffer.from(second.body)).toEqual(Buffer.from(first.body));
  });

  it.each([
    { rpc: "CompleteListenerJob", reason: "LISTENER_JOB_NOT_FOUND" },
    { rpc: "FailListenerJob", reason: "LISTENER_JOB_NOT_HELD" },
  ])("$rpc acts once, and then says that its activation is over", async ({ rpc, reason }) => {
    const door = httpDoor(server.url);
    const { request: arrange } = CALLS.find((call) => call.rpc === rpc)!;
    const request = await arrange();
    const first = await door.call(rpc, request);

    const second = await door.call(rpc, request);

    expect(first.error).toBeNull();
    expect(second.error?.reason).toBe(reason);
  });
});
