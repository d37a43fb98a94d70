import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { CANCEL_DOORS, CANCEL_RPCS, openWires } from "./cancel_doors.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { untilAsked } from "./until_asked.ts";
import { cancelledWork, finishedWork, startWork, stopWhenTold, type Work } from "./work.ts";

let server: TestServer;
let clients: Clients;
let wires: ReturnType<typeof openWires>;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
  wires = openWires(server.url);
});
afterAll(async () => {
  wires.close();
  await server.close();
});

/** The requests that the current cancellation of the execution has seen. */
async function requestsOf(execution: ExecutionRef): Promise<EventType[]> {
  const { cancellations } = await clients.cancellations.listCancellations({ execution });
  const cancellationId = cancellations[0]?.id ?? "";
  const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
  const asked: readonly EventType[] = [
    EventType.CANCELLATION_REQUESTED,
    EventType.CANCELLATION_JOINED,
    EventType.CANCELLATION_ESCALATED,
  ];
  return cancellation?.timeline.map(({ type }) => type).filter((type) => asked.includes(type)) ?? [];
}

/** Asks through the RPC of the kind, with a reason that no dialect gives. Resolves when the work has stopped. */
async function cancelForAnotherReason(work: Work, key: string): Promise<void> {
  const { rpc, requestOf } = CANCEL_RPCS.find(({ kind }) => kind === work.ref.kind)!;
  const request = { ...requestOf(work.ref.id), reason: "another reason", commandId: key };
  const [answer] = await Promise.all([wires.http.call(rpc, request), stopWhenTold(clients, work)]);
  expect(answer.error).toBeNull();
}

describe.each(CANCEL_DOORS)("$name", ({ kind, reused, cancel }) => {
  it("answers the same again, byte for byte, and asks for nothing twice", async () => {
    const work = await startWork(clients, kind);
    const key = randomUUID();
    const [first] = await Promise.all([cancel(wires, work.ref.id, key), stopWhenTold(clients, work)]);

    const second = await cancel(wires, work.ref.id, key);

    expect(first.status).toSatisfy((status) => status === "ok" || status === 200 || status === 204);
    expect(second).toEqual(first);
    expect(await requestsOf(work.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
  });

  it("answers the same to those who ask at once", async () => {
    const work = await startWork(clients, kind);
    const key = randomUUID();

    const [one, other] = await Promise.all([
      cancel(wires, work.ref.id, key),
      cancel(wires, work.ref.id, key),
      stopWhenTold(clients, work),
    ]);

    expect(other).toEqual(one);
    expect(await requestsOf(work.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
  });

  it("refuses the key for another request", async () => {
    const work = await startWork(clients, kind);
    const key = randomUUID();
    await cancelForAnotherReason(work, key);

    const { status, body } = await cancel(wires, work.ref.id, key);

    expect(status).toBe(reused);
    expect(body).toContain(`'${key}' was used before with another request`);
  });

  it("answers the same again where the execution had ended before", async () => {
    for (const ended of [await finishedWork(clients, kind), await cancelledWork(clients, kind)]) {
      const key = randomUUID();
      const first = await cancel(wires, ended.ref.id, key);

      expect(await cancel(wires, ended.ref.id, key)).toEqual(first);
    }
  });

  it("takes the same key for another execution as another command", async () => {
    const [work, other] = [await startWork(clients, kind), await startWork(clients, kind)];
    const key = randomUUID();
    await Promise.all([cancel(wires, work.ref.id, key), stopWhenTold(clients, work)]);

    await Promise.all([cancel(wires, other.ref.id, key), stopWhenTold(clients, other)]);

    expect(await requestsOf(other.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
  });
});

/** The doors whose answer waits for the work to stop, or may. Over HTTP, where a caller can leave by itself. */
const WAITING = CANCEL_DOORS.filter(
  ({ kind, reused }) => (kind === Kind.PROCESS_INSTANCE || kind === Kind.WORKFLOW_RUN) && typeof reused === "number",
);

describe.each(WAITING)("$name, while the first caller waits", ({ kind, cancel }) => {
  it("lets the second one wait with it, for the same answer, also if the first one leaves", async () => {
    const work = await startWork(clients, kind);
    const key = randomUUID();
    const leaving = new AbortController();
    const first = cancel(wires, work.ref.id, key, leaving.signal).catch((reason: unknown) => reason);
    await untilAsked(clients, work);
    const second = cancel(wires, work.ref.id, key);
    leaving.abort();
    expect(await first).toBeInstanceOf(DOMException);

    await stopWhenTold(clients, work);

    const answer = await second;
    expect(answer.status).toSatisfy((status) => status === 200 || status === 204);
    expect(await cancel(wires, work.ref.id, key)).toEqual(answer);
    expect(await requestsOf(work.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
  });
});

describe("one command through many doors", () => {
  it.each([Kind.PROCESS_INSTANCE, Kind.WORKFLOW_INSTANCE, Kind.ASSESSMENT])(
    "is carried out once, and answered by each in its own way (%s)",
    async (kind) => {
      const doors = CANCEL_DOORS.filter((door) => door.kind === kind);
      const work = await startWork(clients, kind);
      const key = randomUUID();

      const [answers] = await Promise.all([
        Promise.all(doors.map(({ cancel }) => cancel(wires, work.ref.id, key))),
        stopWhenTold(clients, work),
      ]);

      expect(doors.length).toBeGreaterThan(4);
      for (const { status } of answers) expect(["ok", 200, 204]).toContain(status);
      expect(await requestsOf(work.ref)).toEqual([EventType.CANCELLATION_REQUESTED]);
    },
  );
});
