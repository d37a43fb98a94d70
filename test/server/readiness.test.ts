import { setImmediate as turn } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { watchReadiness } from "../../src/server/readiness.ts";
import { startBelay } from "../cli/belay_command.ts";
import { clientsOf } from "../e2e/clients.ts";
import { cancel, startWork } from "../e2e/work.ts";
import { type Cluster, startCluster } from "../postgres/cluster.ts";

/** A store that is as well as it is told, and what was told of it. */
function watchedStore() {
  const listeners = new Set<() => void>();
  const store = { isWell: true, checks: 0 };
  const told: boolean[] = [];
  const stop = watchReadiness({
    health: {
      check: async () => {
        store.checks += 1;
        if (!store.isWell) throw new Error("away");
      },
      onTrouble: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    setServing: (serving) => told.push(serving),
    logger: pino({ level: "silent" }),
  });
  onTestFinished(stop);
  return { store, told, stop, listeners, trouble: () => listeners.forEach((listener) => void listener()) };
}

describe("readiness", () => {
  it("goes with the store and comes back with it, told once each", async () => {
    const { store, told } = watchedStore();
    await expect.poll(() => store.checks).toBe(1);

    store.isWell = false;
    await expect.poll(() => told, { timeout: 5_000 }).toEqual([false]);
    store.isWell = true;
    await expect.poll(() => told, { timeout: 5_000 }).toEqual([false, true]);
  });

  it("goes as soon as a call fails because of the store", async () => {
    const { store, told, trouble } = watchedStore();
    await expect.poll(() => store.checks).toBe(1);
    store.isWell = false;

    trouble();
    await turn();

    expect(told).toEqual([false]);
  });

  it("is told no more once nobody looks", async () => {
    const { store, told, stop, listeners } = watchedStore();
    store.isWell = false;

    stop();
    await turn();

    expect([told, listeners.size]).toEqual([[], 0]);
  });
});

describe("a server whose database dies", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  it("says so, refuses calls at once as UNAVAILABLE, has kept every cancel that it answered, and serves again by itself", async () => {
    const server = startBelay(["serve", "--port", "0", "--database-url", await cluster.createDatabase()]);
    onTestFinished(async () => {
      server.process.kill("SIGKILL");
      await server.ended;
    });
    const [, url = ""] = await server.prints(/^belay: listening on (http:\S+)/m);
    const clients = clientsOf(url);
    const work = await startWork(clients, Kind.PROCESS);
    const { id } = await cancel(clients, work.ref, Strategy.SOFT);
    const watch = createClient(Health, createGrpcTransport({ baseUrl: url }))
      .watch({})
      [Symbol.asyncIterator]();
    const nextStatus = async () => (await watch.next()).value?.status;
    expect(await nextStatus()).toBe(Status.SERVING);

    await cluster.kill();

    expect(await nextStatus()).toBe(Status.NOT_SERVING);
    const before = performance.now();
    const refused = cancel(clients, work.ref, Strategy.HARD).catch((error) => ConnectError.from(error));
    expect(await refused).toMatchObject({ code: Code.Unavailable });
    expect(performance.now() - before).toBeLessThan(1_000);

    await cluster.start();

    expect(await nextStatus()).toBe(Status.SERVING);
    const { cancellation } = await clients.cancellations.getCancellation({ cancellationId: id });
    expect(cancellation?.execution?.id).toBe(work.ref.id);
    expect((await cancel(clients, work.ref, Strategy.HARD)).id).toBe(id);
    await watch.return?.();
  });
});
