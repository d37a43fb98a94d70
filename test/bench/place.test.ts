import fc from "fast-check";
import { expect, test } from "vitest";
import { place } from "../../bench/load/drive.ts";
import type { CallType } from "../../bench/load/order.ts";

const calls = fc.constantFrom<CallType>("cancel", "get", "register_pending", "register_running");
const counts = fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom(7919, 2 * 7919, 10_000));

test("every execution is called for once before one is called for again, however they are numbered", () => {
  fc.assert(
    fc.property(calls, counts, fc.constantFrom("uuid", "decimal"), (call, count, ids) => {
      const places = Array.from({ length: count }, (_, index) => place(index, { call, first: 0, count }, ids));
      expect(new Set(places).size).toBe(count);
      expect(Math.max(...places)).toBe(count - 1);
      expect(place(count, { call, first: 0, count }, ids)).toBe(places[0]);
    }),
    { numRuns: 60 },
  );
});

test("an order goes on where the one before has ended", () => {
  const order = { call: "cancel", first: 0, count: 1_000 } as const;
  expect(place(5, { ...order, skip: 100 }, "decimal")).toBe(place(105, order, "decimal"));
});

test("executions are cancelled in another order than the rows of their store stand in", () => {
  const order = { first: 0, count: 1_000 } as const;
  const inTurn = [0, 1, 2, 3, 4];
  // What the benchmark registers has its rows in the order of registration, a filled store in the order of the numbers.
  expect(inTurn.map((index) => place(index, { ...order, call: "register_pending" }, "uuid"))).not.toEqual(inTurn);
  expect(inTurn.map((index) => place(index, { ...order, call: "cancel" }, "decimal"))).not.toEqual(inTurn);
});
