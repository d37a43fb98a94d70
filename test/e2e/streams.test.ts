import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventType, Strategy, type TimelineEvent } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type AttachResponse, type StopOrder, StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clients, clientsOver } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { cancel, startWork } from "./work.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** The messages of a stream, one by one, as they come. */
function reading<T>(stream: AsyncIterable<T>): { next(): Promise<T>; rest(): Promise<T[]>; leave(): Promise<unknown> } {
  const messages = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await messages.next();
      if (done === true) throw new Error("the stream has ended");
      return value;
    },
    async rest() {
      const rest: T[] = [];
      for (let each = await messages.next(); each.done !== true; each = await messages.next()) rest.push(each.value);
      return rest;
    },
    leave: async () => messages.return?.(),
  };
}

type Watched = { readonly event?: TimelineEvent | undefined };

const typeOf = ({ event }: Watched): EventType | undefined => event?.type;
const sequenceOf = ({ event }: Watched): bigint => event?.sequence ?? 0n;

/** The orders that come until the work of `execution` is told to obey `signal`, that one included, each once: orders may be repeated. */
async function ordersUntil(
  stream: { next(): Promise<AttachResponse> },
  execution: ExecutionRef,
  signal: StopSignal,
): Promise<StopOrder[]> {
  const orders = new Map<string, StopOrder>();
  for (;;) {
    const { message } = await stream.next();
    if (message.case !== "stopOrder") continue;
    const order = message.value;
    orders.set(`${order.execution?.id} ${order.signal}`, order);
    if (order.execution?.id === execution.id && order.signal === signal) return [...orders.values()];
  }
}

describe.each([
  { name: "gRPC", transportTo: (baseUrl: string): Transport => createGrpcTransport({ baseUrl }) },
  {
    name: "gRPC-Web",
    transportTo: (baseUrl: string): Transport => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  },
  {
    name: "Connect over HTTP/2",
    transportTo: (baseUrl: string): Transport => createConnectTransport({ baseUrl, httpVersion: "2" }),
  },
  {
    name: "Connect over HTTP/1.1",
    transportTo: (baseUrl: string): Transport =>
      createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  },
])("over $name", ({ transportTo }) => {
  let clients: Clients;
  beforeAll(() => {
    clients = clientsOver(transportTo(server.url));
  });

  describe("WatchCancellation", () => {
    it("streams what happened so far, then each event, until the cancellation has ended", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const orders = reading(clients.workers.attach({ workerId: work.workerId }));
      await orders.next();
      const { id } = await cancel(clients, work.ref, Strategy.SOFT);
      const watch = reading(clients.cancellations.watchCancellation({ cancellationId: id }));

      const soFar = [await watch.next(), await watch.next(), await watch.next()];
      await clients.workers.reportStopped({ execution: work.ref, token: work.token });
      const live = await watch.rest();

      expect(soFar.map(typeOf)).toEqual([
        EventType.CANCELLATION_REQUESTED,
        EventType.STOP_REQUESTED,
        EventType.STOP_DELIVERED,
      ]);
      expect(live.map(typeOf)).toEqual([EventType.STOP_CONFIRMED, EventType.CANCELLATION_ENDED]);
      await orders.leave();
    });

    it("resumes after the last event received, leaving out none and repeating none", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const { id: cancellationId } = await cancel(clients, work.ref, Strategy.SOFT);
      const broken = reading(clients.cancellations.watchCancellation({ cancellationId }));
      const before = [await broken.next(), await broken.next()];
      await broken.leave();
      await clients.workers.reportStopped({ execution: work.ref, token: work.token });

      const afterSequence = sequenceOf(before.at(-1)!);
      const after = await reading(clients.cancellations.watchCancellation({ cancellationId, afterSequence })).rest();

      const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
      expect([...before, ...after].map(sequenceOf)).toEqual(cancellation?.timeline.map(({ sequence }) => sequence));
    });

    it("of a cancellation that has ended streams it all and ends", async () => {
      const { execution } = await clients.executions.registerExecution({ kind: Kind.PROCESS });
      const { id } = await cancel(clients, execution!.ref!, Strategy.SOFT);

      const events = await reading(clients.cancellations.watchCancellation({ cancellationId: id })).rest();

      expect(events.map(typeOf)).toEqual([EventType.CANCELLATION_REQUESTED, EventType.CANCELLATION_ENDED]);
    });

    it("many at once are all let in by a server that has nothing else to do, and all are told the same", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const { id } = await cancel(clients, work.ref, Strategy.SOFT);
      const watches = [];
      for (let opened = 0; opened < 40; opened += 1) {
        const watch = reading(clients.cancellations.watchCancellation({ cancellationId: id }));
        expect(typeOf(await watch.next())).toBe(EventType.CANCELLATION_REQUESTED);
        watches.push(watch);
      }
      await clients.workers.reportStopped({ execution: work.ref, token: work.token });

      const told = await Promise.all(watches.map((watch) => watch.rest()));

      expect(told[0]?.map(typeOf).slice(-2)).toEqual([EventType.STOP_CONFIRMED, EventType.CANCELLATION_ENDED]);
      expect(new Set(told.map((events) => String(events.map(sequenceOf)))).size).toBe(1);
    });

    it("of an unknown cancellation is NOT_FOUND", async () => {
      const watch = reading(clients.cancellations.watchCancellation({ cancellationId: "no-such-cancellation" }));

      const error = await watch.next().catch(ConnectError.from);

      expect(error).toMatchObject({ code: Code.NotFound });
      expect((error as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([
        { reason: "CANCELLATION_NOT_FOUND" },
      ]);
    });

    it("after an event that has not happened is OUT_OF_RANGE", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const { id: cancellationId } = await cancel(clients, work.ref, Strategy.SOFT);
      const watch = reading(clients.cancellations.watchCancellation({ cancellationId, afterSequence: 2n ** 40n }));

      const error = await watch.next().catch(ConnectError.from);

      expect(error).toMatchObject({ code: Code.OutOfRange });
    });
  });

  describe("WatchExecution", () => {
    it("streams the whole life of an execution until it has ended", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const watch = reading(clients.executions.watchExecution({ execution: work.ref }));

      const soFar = [await watch.next(), await watch.next()];
      await clients.executions.completeExecution({ execution: work.ref, token: work.token });
      const live = await watch.rest();

      expect([...soFar, ...live].map(typeOf)).toEqual([EventType.REGISTERED, EventType.STARTED, EventType.COMPLETED]);
    });

    it("goes on after a soft cancel until the stop is proven", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const watch = reading(clients.executions.watchExecution({ execution: work.ref }));
      await watch.next();
      await cancel(clients, work.ref, Strategy.SOFT);
      await clients.workers.reportStopped({ execution: work.ref, token: work.token });

      const events = await watch.rest();

      expect(events.map(typeOf)).toContain(EventType.CANCELLATION_REQUESTED);
      expect(events.map(typeOf).slice(-2)).toEqual([EventType.STOP_CONFIRMED, EventType.CANCELLATION_ENDED]);
    });

    it("resumes after the last event received", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const broken = reading(clients.executions.watchExecution({ execution: work.ref }));
      const first = await broken.next();
      await broken.leave();
      await clients.executions.completeExecution({ execution: work.ref, token: work.token });

      const afterSequence = sequenceOf(first);
      const after = await reading(clients.executions.watchExecution({ execution: work.ref, afterSequence })).rest();

      expect(after.map(typeOf)).toEqual([EventType.STARTED, EventType.COMPLETED]);
    });
  });

  describe("Attach", () => {
    it("says that it is live, then gives each order as it is decided", async () => {
      const work = await startWork(clients, Kind.PROCESS);
      const orders = reading(clients.workers.attach({ workerId: work.workerId }));

      const { message } = await orders.next();
      const { id } = await cancel(clients, work.ref, Strategy.SOFT);
      const asked = await ordersUntil(orders, work.ref, StopSignal.STOP);
      await cancel(clients, work.ref, Strategy.HARD);
      const told = await ordersUntil(orders, work.ref, StopSignal.TERMINATE);

      expect(message.case).toBe("attached");
      expect(asked).toMatchObject([{ token: work.token, cancellation: { id, strategy: Strategy.SOFT } }]);
      expect(told.at(-1)).toMatchObject({ token: work.token, cancellation: { id, strategy: Strategy.HARD } });
      await orders.leave();
    });

    it("gives the orders that are pending again after a reconnect, and no others", async () => {
      const stopping = await startWork(clients, Kind.PROCESS);
      const { workerId } = stopping;
      const stopped = await startWork(clients, Kind.PROCESS, { workerId });
      const running = await startWork(clients, Kind.PROCESS, { workerId });
      const broken = reading(clients.workers.attach({ workerId }));
      await broken.next();
      await cancel(clients, stopped.ref, Strategy.SOFT);
      await clients.workers.reportStopped({ execution: stopped.ref, token: stopped.token });
      await cancel(clients, stopping.ref, Strategy.HARD);
      await broken.leave();

      const orders = reading(clients.workers.attach({ workerId }));
      const pending = await ordersUntil(orders, stopping.ref, StopSignal.TERMINATE);
      await cancel(clients, running.ref, Strategy.SOFT);
      const next = await ordersUntil(orders, running.ref, StopSignal.STOP);

      expect(pending).toMatchObject([{ execution: stopping.ref, signal: StopSignal.TERMINATE }]);
      expect(next.at(-1)).toMatchObject({ execution: running.ref, signal: StopSignal.STOP });
      await orders.leave();
    });
  });

  describe("Heartbeat", () => {
    it("answers STOP, then TERMINATE, then LEASE_LOST when nothing is left to stop", async () => {
      const { ref, workerId, token } = await startWork(clients, Kind.PROCESS);
      const beat = async () => {
        const { leases } = await clients.workers.heartbeat({ workerId, leases: [{ execution: ref, token }] });
        return leases[0];
      };

      const running = await beat();
      const { id } = await cancel(clients, ref, Strategy.SOFT);
      const asked = await beat();
      await cancel(clients, ref, Strategy.HARD);
      const terminated = await beat();
      await clients.workers.reportStopped({ execution: ref, token });
      const ended = await beat();

      expect(running).toMatchObject({ execution: ref, signal: StopSignal.UNSPECIFIED, expireTime: expect.anything() });
      expect(asked).toMatchObject({ signal: StopSignal.STOP, cancellation: { id }, expireTime: expect.anything() });
      expect(terminated).toMatchObject({ signal: StopSignal.TERMINATE, cancellation: { id } });
      expect(ended?.signal).toBe(StopSignal.LEASE_LOST);
      expect(ended?.expireTime).toBeUndefined();
    });

    it("answers each lease by itself, in order, also those that are not known", async () => {
      const running = await startWork(clients, Kind.PROCESS);
      const unknown = { kind: Kind.PROCESS, id: "no-such-process" };

      const { leases } = await clients.workers.heartbeat({
        workerId: running.workerId,
        leases: [
          { execution: unknown, token: 1n },
          { execution: running.ref, token: running.token },
          { execution: running.ref, token: running.token + 1n },
        ],
      });

      expect(leases.map(({ signal }) => signal)).toEqual([
        StopSignal.LEASE_LOST,
        StopSignal.UNSPECIFIED,
        StopSignal.LEASE_LOST,
      ]);
      expect(leases[0]?.execution).toMatchObject(unknown);
    });
  });
});

describe("a server that shuts down", () => {
  it.each([
    { name: "gRPC", transportTo: (baseUrl: string): Transport => createGrpcTransport({ baseUrl }) },
    {
      name: "Connect",
      transportTo: (baseUrl: string): Transport => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
    },
  ])("ends the streams over $name with UNAVAILABLE, so that none is taken for complete", async ({ transportTo }) => {
    const clients = clientsOver(transportTo(server.url));
    const work = await startWork(clients, Kind.PROCESS);
    const { id: cancellationId } = await cancel(clients, work.ref, Strategy.SOFT);
    const streams = [
      reading<unknown>(clients.cancellations.watchCancellation({ cancellationId })),
      reading<unknown>(clients.executions.watchExecution({ execution: work.ref })),
      reading<unknown>(clients.workers.attach({ workerId: work.workerId })),
    ];
    await Promise.all(streams.map((stream) => stream.next()));
    const ends = Promise.all(streams.map((stream) => stream.rest().catch(ConnectError.from)));

    const exit = await server.stop();

    expect(exit).toBe(0);
    for (const end of await ends) {
      expect(end).toMatchObject({ code: Code.Unavailable, rawMessage: "the server is shutting down" });
      expect((end as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "SHUTTING_DOWN" }]);
    }
    await server.restart();
  });
});
