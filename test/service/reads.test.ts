/** What the service reads, and above all what it need not read, because a commit has just told it. */
import { expect, it } from "vitest";
import type { Engine } from "../../src/engines/engine.ts";
import { DATABASES } from "../store/databases.ts";
import { startCounted } from "./counted_reads.ts";
import { cancelOf, FOREVER, keyOfKind, registration, TENANT } from "./world.ts";

const MANY = 1_000;

const keys = (kind: "process" | "process_instance" | "workflow_run") =>
  Array.from({ length: MANY }, (_, number) => keyOfKind(kind, String(number + 1)));

it("tells 1,000 watchers of one commit without a read", async () => {
  const world = await startCounted();
  const key = keyOfKind("process", "p-1");
  await world.service.register(registration(key, "w-1"));
  const watches = Array.from({ length: MANY }, () =>
    world.service.watchExecution(key, 0, FOREVER)[Symbol.asyncIterator](),
  );
  await Promise.all(watches.map((watch) => watch.next()));
  await Promise.all(watches.map((watch) => watch.next()));
  const nexts = watches.map((watch) => watch.next());
  // All have read the past, and wait for what comes.
  await expect.poll(() => world.calls.get("listEvents")).toBe(MANY);

  world.forget();
  await world.service.complete(key, 1, null, null);
  const told = await Promise.all(nexts);

  expect(told.map(({ value }) => value?.type)).toEqual(Array(MANY).fill("completed"));
  expect(world.reads()).toEqual([]);
});

it("delivers the orders of 1,000 cancels without a read", async () => {
  const world = await startCounted();
  const leaving = new AbortController();
  const orders = world.service.attach(TENANT, "w-1", leaving.signal)[Symbol.asyncIterator]();
  await orders.next();
  const first = orders.next();
  await Promise.all(keys("process").map((key) => world.service.register(registration(key, "w-1"))));
  await expect.poll(() => world.calls.get("listHeldBy")).toBe(1);

  world.forget();
  await Promise.all(keys("process").map((key) => world.service.cancel(cancelOf(key), FOREVER)));
  const told = new Set<string>();
  let next = first;
  while (told.size < MANY) {
    const { value } = await next;
    if (value?.type === "stop_order") told.add(value.order.execution.key.id);
    next = orders.next();
  }

  expect(world.reads()).toEqual([]);
  leaving.abort();
});

it.each(["process_instance", "workflow_run"] as const)(
  "answers 1,000 cancels of work that nobody runs without a read: %s",
  async (kind) => {
    const world = await startCounted();
    await Promise.all(keys(kind).map((key) => world.service.register(registration(key, null))));

    world.forget();
    const answers = await Promise.all(keys(kind).map((key) => world.service.cancel(cancelOf(key), FOREVER)));

    expect(world.reads()).toEqual([]);
    for (const { execution, timeline } of answers) {
      expect(execution.cancellation?.outcome).toBe("cancelled");
      expect(timeline.map(({ type }) => type)).toEqual(["cancellation_requested", "cancellation_ended"]);
    }
  },
);

it("waits for the end of a cancellation without a read but that of its timeline", async () => {
  const world = await startCounted();
  const key = keyOfKind("process_instance", "1");
  await world.service.register(registration(key, "w-1"));

  world.forget();
  const asked = world.service.cancel(cancelOf(key), FOREVER);
  await expect.poll(() => world.calls.get("apply")).toBeGreaterThanOrEqual(1);
  await world.service.reportStopped(key, 1, "gone");
  await asked;

  expect(world.reads()).toEqual(["listEvents"]);
});

it.each(DATABASES)("does not deliver an order that waited while its work stopped, over $name", async (database) => {
  const released = Promise.withResolvers<void>();
  const stopped: string[] = [];
  const engine: Engine = {
    name: "stuck",
    describe: async () => ({ status: "running", detail: "" }),
    requestStop: async ({ key }) => {
      stopped.push(key.id);
      await released.promise;
      return { type: "delivered" };
    },
    terminate: async () => ({ type: "delivered" }),
  };
  const world = await startCounted({ engines: [engine] }, database);
  await Promise.all(keys("process").map((key) => world.service.register(registration(key, "w", { engine: "stuck" }))));
  await Promise.all(keys("process").map((key) => world.service.cancel(cancelOf(key), FOREVER)));
  const waiting = keys("process").filter(({ id }) => !stopped.includes(id));

  await Promise.all(waiting.map((key) => world.service.reportStopped(key, 1, "gone")));
  const begun = stopped.length;
  released.resolve();
  await expect.poll(() => world.calls.get("dropEffect")).toBe(waiting.length);

  expect(waiting.length).toBeGreaterThan(0);
  expect(stopped).toHaveLength(begun);
});
