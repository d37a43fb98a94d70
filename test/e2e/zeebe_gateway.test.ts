import { randomUUID } from "node:crypto";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationOutcome, EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { cancelledWork, finishedWork, newId, startWork, stopWhenTold } from "./work.ts";

let server: TestServer;
let clients: Clients;
let gateway: Client<typeof Gateway>;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
  gateway = createClient(Gateway, createGrpcTransport({ baseUrl: server.url }));
});
afterAll(() => server.close());

const keyOf = (id: string) => ({ processInstanceKey: BigInt(id) });

describe("Zeebe's CancelProcessInstance", () => {
  it("is the same cancellation that CancellationService shows", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);
    const request = { ...keyOf(work.ref.id), operationReference: 2n ** 63n };

    const [answer] = await Promise.all([gateway.cancelProcessInstance(request), stopWhenTold(clients, work)]);

    expect(answer).toEqual({ $typeName: "gateway_protocol.CancelProcessInstanceResponse" });
    const { cancellations } = await clients.cancellations.listCancellations({ execution: work.ref });
    expect(cancellations).toMatchObject([{ outcome: CancellationOutcome.CANCELLED }]);
    const { cancellation } = await clients.cancellations.getCancellation({ cancellationId: cancellations[0]!.id });
    expect(cancellation?.timeline[0]?.attributes).toMatchObject({ operation_reference: "9223372036854775808" });
  });

  it("finds no instance that was never there, has finished or is cancelled", async () => {
    const finished = await finishedWork(clients, Kind.PROCESS_INSTANCE);
    const cancelled = await cancelledWork(clients, Kind.PROCESS_INSTANCE);

    for (const id of ["-1", finished.ref.id, cancelled.ref.id]) {
      await expect(gateway.cancelProcessInstance(keyOf(id))).rejects.toMatchObject({ code: Code.NotFound });
    }
  });

  it("goes on after its caller's deadline, and is joined by a retry", async () => {
    const type = randomUUID();
    const id = newId(Kind.PROCESS_INSTANCE);
    const { execution } = await clients.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      id,
      listeners: [{ type }],
    });

    await expect(gateway.cancelProcessInstance(keyOf(id), { timeoutMs: 300 })).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
    });
    const retry = gateway.cancelProcessInstance(keyOf(id));
    for await (const { event } of clients.executions.watchExecution({ execution: execution!.ref! })) {
      if (event?.type === EventType.CANCELLATION_JOINED) break;
    }
    const { jobs } = await clients.workers.activateListenerJobs({ workerId: "w", types: [type], waitSeconds: 10 });
    await clients.workers.completeListenerJob({ jobKey: jobs[0]!.key, activation: jobs[0]!.activation });
    await retry;

    const { processInstance } = await clients.executions.getProcessInstance({ processInstanceKey: id });
    expect(processInstance?.execution?.state).toBe(ExecutionState.CANCELLED);
  });

  it("replays its answer under the same idempotency key", async () => {
    const id = newId(Kind.PROCESS_INSTANCE);
    await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });
    const headers = { "idempotency-key": "once" };

    await gateway.cancelProcessInstance(keyOf(id), { headers });
    const again = gateway.cancelProcessInstance(keyOf(id), { headers });

    await expect(again).resolves.toMatchObject({});
    await expect(gateway.cancelProcessInstance(keyOf(id))).rejects.toMatchObject({ code: Code.NotFound });
  });
});
