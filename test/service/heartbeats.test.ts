/** Heartbeats that are remembered, not written: a lease lasts its full duration after the last one, whatever happens in between. */
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Lease } from "../../src/domain/execution.ts";
import type { Signal } from "../../src/domain/signal.ts";
import type { Millis } from "../../src/domain/time.ts";
import { DATABASES } from "../store/databases.ts";
import { ALL_PROCESSES } from "../store/filters.ts";
import { startCounted } from "./counted_reads.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, TENANT, type TestService } from "./world.ts";

const key = keyOfKind("process", "p-1");

/** Of the lease under test. */
const DURATION: Millis = 15_000;

/** Work that is held on a lease, in a service whose time the test drives. */
interface Held {
  readonly world: TestService;
  readonly time: { now: Millis };
  /** Lets the time pass, and has everything done that is due then. */
  pass(span: Millis): Promise<void>;
  /** Resolves with the answer, and when the lease then ends. */
  beat(): Promise<{ signal: Signal; expiresAt: Millis | undefined }>;
  lease(): Promise<Lease>;
}

async function holdWork(): Promise<Held> {
  const time = { now: Date.now() };
  const world = await startService({ clock: { now: () => time.now } });
  await world.service.register({ ...registration(key, null), claim: { workerId: "w-1", leaseDuration: DURATION } });
  let probes = 0;
  return {
    world,
    time,
    pass: async (span) => {
      // A lease that ends with the span: what was due before has then been done.
      const probe = keyOfKind("process", `probe-${probes++}`);
      await world.service.register({ ...registration(probe, null), claim: { workerId: "probe", leaseDuration: 1 } });
      time.now += Math.max(1, span);
      for await (const { type } of world.service.watchExecution(probe, 0, FOREVER)) {
        if (type === "lease_expired") break;
      }
    },
    beat: async () => {
      const [answer] = await world.service.heartbeat([{ key, token: 1 }]);
      return { signal: answer!.signal, expiresAt: answer!.execution?.lease?.expiresAt };
    },
    lease: async () => (await world.service.getExecution(key)).lease!,
  };
}

type Move = { readonly type: "pass"; readonly span: Millis } | { readonly type: "beat" | "register again" | "restart" };

const move = fc.oneof(
  fc.record({ type: fc.constant("pass" as const), span: fc.integer({ min: 1, max: DURATION * 0.7 }) }),
  fc.record({ type: fc.constantFrom("beat" as const, "beat" as const, "register again" as const, "restart" as const) }),
);

/** Plays the moves, and checks after each that the lease ends when it must, and shows it. */
async function play(held: Held, moves: readonly Move[]): Promise<void> {
  const { world, time } = held;
  let last = time.now;
  // What was only remembered does not outlive a restart: until the next heartbeat the lease shows less than it will last.
  let isShown = true;
  for (const made of moves) {
    switch (made.type) {
      case "pass":
        await held.pass(made.span);
        break;
      case "beat":
        last = time.now;
        isShown = true;
        expect(await held.beat()).toEqual({ signal: "none", expiresAt: last + DURATION });
        break;
      case "register again": {
        const { lease } = await world.service.register(registration(key, null));
        expect(lease).toEqual(await held.lease());
        break;
      }
      case "restart":
        isShown = false;
        await world.restart();
        break;
    }
    const lease = await held.lease();
    if (time.now < last + DURATION) expect(lease.expired).toBe(false);
    if (isShown) expect(lease.expiresAt).toBe(last + DURATION);
    else expect(lease.expiresAt).toBeLessThanOrEqual(last + DURATION);
  }
  const left = last + DURATION - time.now;
  if (left > 2) {
    await held.pass(left - 1);
    expect((await held.lease()).expired).toBe(false);
  }
  await held.pass(last + DURATION * 1.5 - time.now);
  expect((await held.lease()).expired).toBe(true);
}

describe("the lease of running work", () => {
  it("lasts its full duration after the last heartbeat, and hardly longer, over restarts too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 12 }), async (moves) => {
        const held = await holdWork();
        try {
          await play(held, moves);
        } finally {
          await held.world.close();
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it("outlives its stored end by a heartbeat that was only remembered, and ends in time", async () => {
    const held = await holdWork();
    onTestFinished(() => held.world.close());
    const stored = (await held.lease()).expiresAt;
    await held.pass(DURATION / 3);
    const { expiresAt } = await held.beat();

    await held.pass(stored - held.time.now);
    const atStoredEnd = await held.lease();
    await held.pass(expiresAt! - held.time.now);
    const atEnd = await held.lease();

    expect(atStoredEnd).toMatchObject({ expired: false, expiresAt });
    expect(atEnd).toMatchObject({ expired: true, expiresAt });
  });

  it("lasts as long after a restart that lost the last heartbeat", async () => {
    const held = await holdWork();
    onTestFinished(() => held.world.close());
    await held.pass(DURATION / 3);
    const { expiresAt } = await held.beat();

    await held.world.restart();
    await held.pass(expiresAt! - held.time.now - 1);
    const before = await held.lease();
    await held.pass(DURATION);
    const after = await held.lease();

    expect(before.expired).toBe(false);
    expect(after.expired).toBe(true);
  });

  it("is extended by remembered heartbeats also while it is being stopped", async () => {
    const held = await holdWork();
    onTestFinished(() => held.world.close());
    await held.pass(DURATION / 3);
    const { expiresAt } = await held.beat();

    const { execution } = await held.world.service.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
    await held.pass(expiresAt! - held.time.now - 2);
    const before = await held.world.service.getExecution(key);
    await held.pass(2);
    const after = await held.world.service.getExecution(key);

    expect(execution.lease).toMatchObject({ expiresAt });
    expect(before.cancellation).toMatchObject({ proof: "pending" });
    expect(after.cancellation).toMatchObject({ proof: "lost" });
  });

  it("shows in lists when it ends", async () => {
    const held = await holdWork();
    onTestFinished(() => held.world.close());
    await held.pass(DURATION / 3);
    const { expiresAt } = await held.beat();

    const { items } = await held.world.service.listExecutions(TENANT, ALL_PROCESSES, { size: 10, token: "" });

    expect(items.find(({ key: { id } }) => id === key.id)?.lease).toMatchObject({ expiresAt });
  });
});

describe("a heartbeat", () => {
  it("writes nothing while more than half of the lease is left", async () => {
    const world = await startCounted();
    await world.service.register(registration(key, "w-1"));
    world.forget();

    for (let count = 0; count < 100; count++) await world.service.heartbeat([{ key, token: 1 }]);

    expect(world.calls.get("apply")).toBeUndefined();
  });

  it.each([
    ["of a lease that is half over", 1, "none", async ({ pass }: Held) => pass(DURATION / 2)],
    ["of a lease that has ended", 1, "none", async ({ pass }: Held) => pass(DURATION)],
    [
      "of work that is being stopped",
      1,
      "stop",
      async ({ world }: Held) => world.service.cancel(cancelOf(key), FOREVER),
    ],
    ["with a stale token", 7, "lease_lost", async () => undefined],
  ] as const)("%s is decided durably", async (_, token, expected, prepare) => {
    const held = await holdWork();
    onTestFinished(() => held.world.close());
    await prepare(held);

    const [answer] = await held.world.service.heartbeat([{ key, token }]);
    const stored = await held.world.store.findExecution(key);

    expect(answer?.signal).toBe(expected);
    if (token === 1) expect(stored?.lease).toMatchObject({ expired: false, expiresAt: held.time.now + DURATION });
    if (expected === "stop") expect(stored?.cancellation?.stopDelivered).toBe(true);
  });

  it.each(DATABASES)("is remembered only where nobody else has the store open: $name", async (database) => {
    const world = await startCounted({}, database);
    await world.service.register(registration(key, "w-1"));
    world.forget();

    await world.service.heartbeat([{ key, token: 1 }]);

    expect(world.calls.get("apply")).toBe(database.name === "SQLite" ? undefined : 1);
  });
});
