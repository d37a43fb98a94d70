import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTurns, type Turns } from "../../src/server/turns.ts";

/** How long each call is at work in the turn in which it begins, in milliseconds. */
const WORK = 2;

/** What passes while the others have something to do in a turn. */
const BUSY_TURN = 1;
const QUIET_TURN = 0.01;

/** How many turns of the event loop pass until a call that begins as soon as it may has begun, and its work is known. */
const FIRST_TURNS = 2;

it("lets one call begin at a time, in the order in which they came, and leaves busy others three times as long as it took", async () => {
  let time = 0;
  const turns = createTurns(() => time);
  const begun: { call: string; at: number }[] = [];
  const begin = async (call: string): Promise<void> => {
    await turns.take();
    begun.push({ call, at: time });
    time += WORK;
  };
  const all = Promise.all(["first", "second", "third"].map(begin));
  expect(begun).toEqual([]);

  while (begun.length < 3) {
    await turn();
    time += BUSY_TURN;
  }

  await all;
  expect(begun.map(({ call }) => call)).toEqual(["first", "second", "third"]);
  const [first = 0, second = 0, third = 0] = begun.map(({ at }) => at);
  for (const between of [second - first - WORK, third - second - WORK]) {
    expect(between).toBeGreaterThanOrEqual(3 * WORK);
    expect(between).toBeLessThanOrEqual(3 * WORK + FIRST_TURNS * BUSY_TURN);
  }
});

it("leaves no time where nobody else has anything to do", async () => {
  const taken = await timeOfTwo(QUIET_TURN, (turns) => [turns.take(), turns.take()]);

  expect(taken).toBeLessThan(WORK);
});

it("leaves the time also to others when the next call comes after the one before it had begun", async () => {
  const taken = await timeOfTwo(BUSY_TURN, (turns) => {
    const first = turns.take();
    return [first, first.then(() => turns.take())];
  });

  expect(taken).toBeGreaterThanOrEqual(3 * WORK);
});

it("lets a call begin in the next turn when the one before it is long over", async () => {
  const turns = createTurns(() => 0);
  await turns.take();
  await turn();
  await turn();
  let begun = false;
  void turns.take().then(() => {
    begun = true;
  });
  await turn();
  expect(begun).toBe(true);
});

/** How much time others had between two calls, if so much passes in each turn. */
async function timeOfTwo(perTurn: number, take: (turns: Turns) => [Promise<void>, Promise<void>]): Promise<number> {
  let time = 0;
  let over: number | null = null;
  let between: number | null = null;
  const [first, second] = take(createTurns(() => time));
  void first.then(() => {
    time += WORK;
    over = time;
  });
  void second.then(() => {
    between = time - (over ?? Number.NaN);
  });
  while (between === null) {
    await turn();
    time += perTurn;
  }
  return between;
}
