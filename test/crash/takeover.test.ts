import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { StopOrder } from "../../src/domain/signal.ts";
import { WorkerEngine } from "../../src/engines/worker_engine.ts";
import { createService, type RunningService } from "../../src/service/create_service.ts";
import type { FaultPoint, Faults } from "../../src/store/faults.ts";
import { openPostgresStore, type PostgresStore } from "../../src/store/postgres/open.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { cancelOf, FOREVER, keyOfKind, registration, TENANT } from "../service/world.ts";

const logger = pino({ level: "silent" });

/** How long the claims of these replicas hold. */
const CLAIM = 200;

interface Replica {
  readonly store: PostgresStore;
  readonly service: RunningService;
}

let url: string;
beforeEach(async () => {
  url = await (await sharedCluster()).createDatabase();
});

const opened: Replica[] = [];
const standing: (() => void)[] = [];
afterEach(async () => {
  for (const letGo of standing.splice(0)) letGo();
  for (const { store, service } of opened.splice(0)) {
    await service.stop();
    await store.close();
  }
});

async function openReplica(faults?: Faults): Promise<Replica> {
  const store = await openPostgresStore({ url, logger, effectClaim: CLAIM });
  const service = createService({
    store,
    clock: store.clock,
    workers: new WorkerEngine(),
    callbacks: { secret: null, bodyOf: () => "{}" },
    logger,
    leaseGrace: 0,
    effectClaim: CLAIM,
    faults,
  });
  opened.push({ store, service });
  return { store, service };
}

/** Stands still at one point from the first time on, until it is let go. */
function standstillAt(point: FaultPoint) {
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  standing.push(letGo.resolve);
  const faults: Faults = {
    async reach(where) {
      if (where !== point) return;
      reached.resolve();
      await letGo.promise;
    },
  };
  return { faults, reached: reached.promise, letGo: letGo.resolve };
}

/** Attaches a worker. Its orders come into the list that is returned. */
function attach({ service }: Replica, workerId: string): StopOrder[] {
  const orders: StopOrder[] = [];
  const stopped = new AbortController();
  const reading = (async () => {
    for await (const message of service.attach(TENANT, workerId, stopped.signal)) {
      if (message.type === "stop_order") orders.push(message.order);
    }
  })();
  onTestFinished(async () => {
    stopped.abort();
    await reading;
  });
  return orders;
}

async function eventsOf({ store }: Replica, id: string): Promise<string[]> {
  const key = keyOfKind("process", id);
  const filter = { key, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 100 };
  return (await store.listEvents(filter)).map(({ type }) => type);
}

describe("an effect whose replica stands still with it", () => {
  it.each(["dispatcher.before_run", "engine.before_call", "engine.after_call"] as const)(
    "at %s is carried out by another one, and once",
    async (point) => {
      const standstill = standstillAt(point);
      const frozen = await openReplica(standstill.faults);
      const other = await openReplica();
      const key = keyOfKind("process", "p-1");
      await other.service.register(registration(key, "worker-1"));
      await frozen.service.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
      await standstill.reached;

      const orders = attach(other, "worker-1");

      await vi.waitFor(() => expect(orders.map(({ signal }) => signal)).toContain("terminate"), 5_000);
      await other.service.reportStopped(key, orders[0]!.token, "gone");
      standstill.letGo();
      await frozen.service.stop();
      const events = await eventsOf(other, "p-1");
      expect(events.filter((type) => type === "terminate_requested")).toHaveLength(1);
      expect(events.filter((type) => type === "terminate_delivered")).toHaveLength(1);
      expect(events.at(-1)).toBe("cancellation_ended");
    },
  );
});

describe("a timer that another replica has written", () => {
  it("fires also when that replica stands still", async () => {
    const standstill = standstillAt("dispatcher.before_run");
    const frozen = await openReplica(standstill.faults);
    const other = await openReplica();
    const key = keyOfKind("process", "p-1");
    await other.service.register(registration(key, "worker-1"));
    const orders = attach(other, "worker-1");

    await frozen.service.cancel(cancelOf(key, { strategy: "soft_then_force", forceAfter: 300 }), FOREVER);

    await vi.waitFor(() => expect(orders.map(({ signal }) => signal)).toContain("terminate"), 10_000);
  });
});

describe("the items of a batch operation", () => {
  const ALL = { tenant: TENANT, principal: "tester", operationReference: null, idempotency: null, audit: null };
  const EVERYTHING = { anyOf: [], conditions: [], tags: [] };
  const key = keyOfKind("process_instance", "1");

  async function untilCompleted({ service }: Replica, batch: string): Promise<void> {
    await vi.waitFor(async () => {
      expect((await service.getBatchOperation(TENANT, batch)).state).toBe("completed");
    }, 10_000);
  }

  it("that a replica left behind when it died are cancelled by another one", async () => {
    const dead = await openPostgresStore({ url, logger });
    const other = await openReplica();
    const left = keyOfKind("process_instance", "2");
    await other.service.register(registration(key, null));
    await other.service.register(registration(left, null));
    const batch = { tenant: TENANT, key: "b", principal: "tester", operationReference: null };
    await dead.batchOperations.create(batch, EVERYTHING, null, dead.clock.now(), null);
    await dead.batchOperations.cancelNext([randomUUID()], dead.clock.now());
    await dead.close();

    await untilCompleted(other, "b");

    expect((await other.service.getExecution(key)).state).toBe("cancelled");
    expect((await other.service.getExecution(left)).state).toBe("cancelled");
  });

  it("whose cancellation ends on another replica are settled", async () => {
    const first = await openReplica();
    const second = await openReplica();
    await first.service.register(registration(key, "worker-1"));
    const orders = attach(second, "worker-1");
    const batch = await first.service.createBatchOperation({ ...ALL, filter: EVERYTHING });
    await vi.waitFor(() => expect(orders).toHaveLength(1), 5_000);

    await second.service.reportStopped(key, orders[0]!.token, "gone");

    await untilCompleted(first, batch);
  });
});
