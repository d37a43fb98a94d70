import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { CommandQueue } from "../../src/service/command_queue.ts";
import type { Applied, Envelope } from "../../src/store/store.ts";
import { keyOfKind } from "./world.ts";

const START: Command = { type: "start", claim: { workerId: "w", leaseDuration: 1_000 } };
const HEARTBEAT: Command = { type: "heartbeat", token: 1 };
const REPORT: Command = { type: "report_stopped", token: 1, evidence: "" };

const APPLIED: Applied = {
  reply: { accepted: true, disposition: "applied" },
  execution: null,
  events: [],
  effects: [],
  replay: null,
  upToSequence: null,
};

function envelopeOf(command: Command): Envelope {
  return { key: keyOfKind("process", "p-1"), command, idempotency: null, effectId: null, audit: null };
}

/** A queue over a store that takes nothing until it is told to, on a clock that stands still until it is set. */
function stuckQueue() {
  const clock = { time: 0, now: () => clock.time };
  const released = Promise.withResolvers<void>();
  const queue = new CommandQueue({
    store: {
      apply: async (envelopes) => {
        await released.promise;
        return envelopes.map(() => APPLIED);
      },
    },
    clock,
    logger: pino({ level: "silent" }),
    onCommitted: () => undefined,
  });
  return { queue, clock, release: released.resolve };
}

/** Whatever is submitted when this resolves waits until the store is released. */
async function untilStuck({ queue }: ReturnType<typeof stuckQueue>): Promise<void> {
  void queue.submit(envelopeOf(HEARTBEAT));
  // The queue gathers for one turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

/** "accepted", or the reason of the refusal. What waits counts as accepted. */
async function fateOf(decided: Promise<Applied>): Promise<string> {
  const waits = new Promise<string>((resolve) => {
    setImmediate(() => resolve("accepted"));
  });
  const refused = decided.then(
    () => "accepted",
    (error) => String(error.refusal.reason),
  );
  return Promise.race([refused, waits]);
}

describe("commands that would have to wait", () => {
  it.each([
    [0, "accepted", "accepted"],
    [1_500, "overloaded", "accepted"],
    [5_500, "overloaded", "overloaded"],
  ])(
    "behind one that has waited %d ms: a start is %s, a report that work has stopped %s",
    async (waited, start, report) => {
      const world = stuckQueue();
      await untilStuck(world);
      void world.queue.submit(envelopeOf(HEARTBEAT));
      world.clock.time = waited;

      expect(world.queue.delay).toBe(waited);
      expect(await fateOf(world.queue.submit(envelopeOf(START)))).toBe(start);
      expect(await fateOf(world.queue.submit(envelopeOf(REPORT)))).toBe(report);
      world.release();
    },
  );

  it.each([
    [9_999, "accepted", "accepted"],
    [10_001, "overloaded", "accepted"],
    [20_001, "overloaded", "overloaded"],
  ])("behind %d others: a start is %s, a report that work has stopped %s", async (others, start, report) => {
    const world = stuckQueue();
    await untilStuck(world);
    for (let other = 0; other < others; other += 1) void world.queue.submitOwed(envelopeOf(HEARTBEAT));

    expect(await fateOf(world.queue.submit(envelopeOf(START)))).toBe(start);
    expect(await fateOf(world.queue.submit(envelopeOf(REPORT)))).toBe(report);
    world.release();
  });

  it("are never refused if they are owed", async () => {
    const world = stuckQueue();
    await untilStuck(world);
    void world.queue.submit(envelopeOf(HEARTBEAT));
    world.clock.time = 60_000;

    expect(await fateOf(world.queue.submitOwed(envelopeOf(REPORT)))).toBe("accepted");
    world.release();
  });

  it("wait no more once the store has caught up", async () => {
    const world = stuckQueue();
    await untilStuck(world);
    const waiting = world.queue.submit(envelopeOf(HEARTBEAT));
    world.clock.time = 10_000;

    world.release();
    await waiting;

    expect(world.queue.delay).toBe(0);
    expect(await world.queue.submit(envelopeOf(START))).toBe(APPLIED);
  });
});

it("lets what has arrived be read, and answers be sent, between two batches", async () => {
  const world = stuckQueue();
  world.release();
  const order: string[] = [];
  const many = Array.from({ length: 1_500 }, () => world.queue.submit(envelopeOf(HEARTBEAT)));
  const first = many[0]?.then(() => order.push("first batch answered"));
  const last = many.at(-1)?.then(() => order.push("last batch answered"));
  await first;
  setImmediate(() => order.push("a turn of the event loop"));
  await last;

  expect(order).toEqual(["first batch answered", "a turn of the event loop", "last batch answered"]);
});
