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
      decidesInOrder: false,
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

/** A queue over a store that answers a batch when the test says so, and what it was given. */
function queueOver(decidesInOrder: boolean) {
  const batches: { readonly ids: readonly string[]; readonly answer: () => void; readonly fail: () => void }[] = [];
  const committed: string[] = [];
  const queue = new CommandQueue({
    store: {
      decidesInOrder,
      apply: (envelopes) =>
        new Promise((resolve, reject) => {
          batches.push({
            ids: envelopes.map(({ key }) => key.id),
            answer: () => resolve(envelopes.map(({ key }) => ({ ...APPLIED, upToSequence: Number(key.id) }))),
            fail: () => reject(new Error("one of them is at fault")),
          });
        }),
    },
    clock: { now: () => 0 },
    logger: pino({ level: "silent" }),
    onCommitted: (applied) => committed.push(...applied.map(({ upToSequence }) => String(upToSequence))),
  });
  let last = 0;
  const submit = (count: number) =>
    Array.from({ length: count }, () => {
      last += 1;
      return queue.submit({ ...envelopeOf(HEARTBEAT), key: keyOfKind("process", String(last)) });
    });
  return { queue, batches, committed, submit };
}

/** The queue gathers for one turn of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const sizesOf = (batches: readonly { readonly ids: readonly string[] }[]) => batches.map(({ ids }) => ids.length);

describe("while a batch is under way", () => {
  it("a few commands wait for the end of it, and go together", async () => {
    const { batches, submit } = queueOver(true);
    submit(1);
    await turns();

    submit(5);
    await turns();
    submit(5);
    await turns();

    expect(sizesOf(batches)).toEqual([1]);
    batches[0]!.answer();
    await turns();
    expect(sizesOf(batches)).toEqual([1, 10]);
  });

  it("many go at once, beside it; and then the next ones wait", async () => {
    const { batches, submit } = queueOver(true);
    submit(1);
    await turns();

    submit(600);
    await turns();

    expect(sizesOf(batches)).toEqual([1, 128, 128]);
    batches[0]!.answer();
    await turns();
    expect(sizesOf(batches)).toEqual([1, 128, 128, 128]);
  });

  it("whoever is about to give the store something large goes behind what waits", async () => {
    const { queue, batches, submit } = queueOver(true);
    await queue.handedOver();
    submit(1);
    await turns();
    // Nothing waits: what is under way was given to the store before.
    await queue.handedOver();

    submit(5);
    let isHandedOver = false;
    void queue.handedOver().then(() => {
      isHandedOver = true;
    });
    await turns();
    expect(isHandedOver).toBe(false);
    batches[0]!.answer();
    await turns();
    expect(sizesOf(batches)).toEqual([1, 5]);
    expect(isHandedOver).toBe(true);
  });

  it("all others wait if the store does not decide batches in their order", async () => {
    const { batches, submit } = queueOver(false);
    submit(1);
    await turns();

    submit(600);
    await turns();

    expect(sizesOf(batches)).toEqual([1]);
  });

  it("what was committed is told in the order in which it was submitted", async () => {
    const { batches, committed, submit } = queueOver(true);
    const decided = [...submit(40)];
    await turns();
    decided.push(...submit(40));
    await turns();

    batches[0]!.answer();
    batches[1]!.answer();
    const answers = await Promise.all(decided);

    const expected = Array.from({ length: 80 }, (_, index) => String(index + 1));
    expect(committed).toEqual(expected);
    expect(answers.map(({ upToSequence }) => String(upToSequence))).toEqual(expected);
  });

  it("one that fails is decided command by command, and spoils nothing of the other", async () => {
    const { batches, submit } = queueOver(true);
    const first = submit(2);
    await turns();
    const second = submit(40);
    await turns();

    batches[0]!.fail();
    batches[1]!.answer();
    await turns();
    batches[2]!.answer();
    await turns();
    batches[3]!.fail();

    expect(sizesOf(batches)).toEqual([2, 40, 1, 1]);
    expect((await first[0]!).upToSequence).toBe(1);
    await expect(first[1]!).rejects.toThrow(/at fault/);
    expect((await Promise.all(second)).length).toBe(40);
  });

  it("closing waits for it and for those that wait behind it", async () => {
    const { queue, batches, submit } = queueOver(true);
    submit(1);
    await turns();
    submit(200);
    await turns();

    let isClosed = false;
    const closed = queue.close().then(() => {
      isClosed = true;
    });
    batches[0]!.answer();
    batches[1]!.answer();
    await turns();
    expect(isClosed).toBe(false);
    batches[2]!.answer();

    await closed;
  });
});
