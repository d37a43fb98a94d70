import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTurns } from "../../src/server/turns.ts";

it("lets one call begin in each turn of the event loop, in the order in which they came", async () => {
  const turns = createTurns();
  const begun: string[] = [];
  for (const call of ["first", "second", "third"]) void turns.take().then(() => begun.push(call));
  expect(begun).toEqual([]);

  for (const expected of [["first"], ["first", "second"], ["first", "second", "third"]]) {
    await turn();
    expect(begun).toEqual(expected);
  }
});

it("lets a call that comes later begin in the next turn when nothing waits any more", async () => {
  const turns = createTurns();
  await turns.take();
  let begun = false;
  void turns.take().then(() => {
    begun = true;
  });
  await turn();
  expect(begun).toBe(true);
});
