import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { CANCEL_DOORS, openWires } from "../e2e/cancel_doors.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { untilAsked } from "../e2e/until_asked.ts";
import { startWork, stopWhenTold, type Work } from "../e2e/work.ts";

let server: TestServer;
let clients: Clients;
let wires: ReturnType<typeof openWires>;
beforeEach(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
  wires = openWires(server.url);
});
afterEach(async () => {
  wires.close();
  await server.close();
});

async function eventsOf({ ref: execution }: Work): Promise<EventType[]> {
  const { cancellations } = await clients.cancellations.listCancellations({ execution });
  const cancellationId = cancellations[0]?.id ?? "";
  const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
  return cancellation?.timeline.map(({ type }) => type) ?? [];
}

/** One door of each kind whose answer waits for the work to stop, or may. */
const WAITING = CANCEL_DOORS.filter(({ name }) => ["Camunda", "Zeebe's gateway", "Retab"].includes(name));

describe.each(WAITING)("$name, killed between its decision and its answer", ({ kind, cancel }) => {
  it("answers the repeated command, and asks for nothing twice", async () => {
    const work = await startWork(clients, kind, { lease: 60 });
    const key = randomUUID();
    const cut = cancel(wires, work.ref.id, key).catch((reason: unknown) => reason);
    await untilAsked(clients, work);
    await server.kill();
    await cut;
    await server.restart();

    const [answer] = await Promise.all([cancel(wires, work.ref.id, key), stopWhenTold(clients, work)]);

    expect(answer.status).toSatisfy((status) => status === "ok" || status === 200 || status === 204);
    expect(await cancel(wires, work.ref.id, key)).toEqual(answer);
    const events = await eventsOf(work);
    expect(events.filter((type) => type === EventType.CANCELLATION_REQUESTED)).toHaveLength(1);
    expect(events).not.toContain(EventType.CANCELLATION_JOINED);
  });
});

describe("registrations under minted ids, cut by a crash", () => {
  it("register one execution a key, however often they are repeated", async () => {
    const keys = Array.from({ length: 40 }, () => randomUUID());
    const register = (key: string): Promise<string | null> =>
      clients.executions
        .registerExecution({ kind: Kind.PROCESS }, { headers: { "idempotency-key": key } })
        .then(({ execution }) => execution!.ref!.id)
        .catch(() => null);
    const early = register(keys[0]!);
    const cut = keys.slice(1).map(register);
    await early;
    await server.kill();
    const first = await Promise.all([early, ...cut]);
    await server.restart();

    const second = await Promise.all(keys.map(register));

    const { processes } = await clients.executions.listProcesses({ pageSize: 1_000 });
    expect(first[0]).not.toBeNull();
    for (const [index, id] of first.entries()) if (id !== null) expect(second[index]).toBe(id);
    expect(new Set(second).size).toBe(keys.length);
    expect(processes.map(({ execution }) => execution?.ref?.id).sort()).toEqual([...second].sort());
  });
});
