import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTurns } from "../../src/server/turns.ts";

/** How many turns of the event loop pass from one call to the next. */
const TURNS_EACH = 4;

it("lets one call begin at a time, in the order in which they came, and leaves turns of the event loop to others in between", async () => {
  const turns = createTurns();
  const begun: string[] = [];
  for (const call of ["first", "second", "third"]) void turns.take().then(() => begun.push(call));
  expect(begun).toEqual([]);

  const seen: number[] = [];
  for (let count = 0; count < 3 * TURNS_EACH; count += 1) {
    await turn();
    seen.push(begun.length);
  }

  expect(begun).toEqual(["first", "second", "third"]);
  expect(seen).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
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
