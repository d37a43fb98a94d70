/** The load against a real server: what it counts as a success is one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { attachWorker } from "../../bench/load/attached_worker.ts";
import { drive } from "../../bench/load/drive.ts";
import type { CallType, LoadOrder, Wire } from "../../bench/load/order.ts";
import { pace } from "../../bench/load/pace.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const COUNT = 40;
const WIRES: readonly Wire[] = ["grpc", "json"];

/** So that no test meets the executions of another. */
let used = 0;

function orderOf(wire: Wire, call: CallType, first: number): LoadOrder {
  const lanes = wire === "grpc" ? { connections: 2, streams: 3 } : { connections: 6, streams: 1 };
  return { wire, url: server.url, call, first, count: COUNT, seconds: null, ...lanes };
}

async function register(call: "register_pending" | "register_running"): Promise<number> {
  const first = used;
  used += COUNT;
  await drive(orderOf("grpc", call, first));
  return first;
}

test.each(WIRES)("over %s every execution is cancelled once, in as many calls", async (wire) => {
  const first = await register("register_pending");
  const { calls, refused, latency, from, until } = await drive(orderOf(wire, "cancel", first));
  expect({ calls, refused }).toEqual({ calls: COUNT, refused: 0 });
  expect(latency.p50).toBeLessThanOrEqual(latency.p99);
  expect(until).toBeGreaterThan(from);
});

test.each(WIRES)("over %s a second cancel is not taken for a first one", async (wire) => {
  const first = await register("register_pending");
  await drive(orderOf(wire, "cancel", first));
  await expect(drive(orderOf(wire, "cancel", first))).rejects.toThrow(/the answer to the cancel of \S+ is not/);
});

test.each(WIRES)("over %s a call that is refused fails the order", async (wire) => {
  const unknown = 1e9;
  await expect(drive(orderOf(wire, "cancel", unknown))).rejects.toThrow(wire === "grpc" ? "grpc-status 5" : "HTTP 404");
});

test.each(WIRES)("over %s running work is shown, and its leases are prolonged", async (wire) => {
  const first = await register("register_running");
  for (const call of ["get", "heartbeat"] as const) {
    expect(await drive(orderOf(wire, call, first))).toMatchObject({ calls: COUNT, refused: 0 });
  }
});

test.each(WIRES)("over %s gets go round until the time is over", async (wire) => {
  const first = await register("register_pending");
  const { calls, seconds } = await drive({ ...orderOf(wire, "get", first), seconds: 0.2 });
  expect(calls).toBeGreaterThan(COUNT);
  expect(seconds).toBeGreaterThanOrEqual(0.2);
});

test.each(WIRES)("over %s calls are sent when they are due, each flow at its own rate", async (wire) => {
  const first = await register("register_pending");
  const { call: _, count: __, first: ___, seconds: ____, ...destination } = orderOf(wire, "cancel", first);
  const flows = [
    { call: "cancel", first, count: COUNT, rate: 40 },
    { call: "get", first, count: COUNT, rate: 80 },
  ] as const;
  const {
    flows: [cancels, gets],
  } = await pace({ ...destination, flows, seconds: 0.4 });
  expect(cancels?.calls).toBeGreaterThan(0);
  expect(cancels?.calls).toBeLessThanOrEqual(COUNT);
  expect(gets?.calls).toBeGreaterThan(0);
  expect(cancels?.refused).toBe(0);
});

test("a flow that runs out of executions fails", async () => {
  const first = await register("register_pending");
  const flow = { call: "cancel", first, count: 3, rate: 1_000 } as const;
  const order = { wire: "grpc", url: server.url, connections: 1, streams: 4, flows: [flow], seconds: 1 } as const;
  await expect(pace(order)).rejects.toThrow("there are only 3 executions to cancel");
});

test("a worker is attached until it leaves", async () => {
  const worker = await attachWorker(server.url);
  await worker.detach();
});
