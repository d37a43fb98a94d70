/** What callers and watchers of one replica are told of what another one commits, when the news come late. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningService } from "../../src/service/create_service.ts";
import type { StoredEvent } from "../../src/store/store.ts";
import { openReplicas, type Replicas } from "../store/replicas.ts";
import { cancelOf, FOREVER, keyOfKind, registration, serviceOver, TENANT, typesOf } from "./world.ts";

const LEASE = { workerId: "w-1", leaseDuration: 15_000 };

let replicas: Replicas;
let here: RunningService;
let there: RunningService;

beforeEach(async () => {
  replicas = await openReplicas();
  here = serviceOver({ store: replicas.one, clock: replicas.one.clock });
  there = serviceOver({ store: replicas.other, clock: replicas.other.clock });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([here.stop(), there.stop()]);
  await replicas.close();
});

async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo).toBe(true);
}

interface HeldUp {
  /** Resolves when the call that is held up is made. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

function gateAt(nth: number): HeldUp & { pass(): Promise<void> } {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  return {
    reached: reached.promise,
    release: released.resolve,
    pass: async () => {
      calls += 1;
      if (calls !== nth) return;
      reached.resolve();
      await released.promise;
    },
  };
}

/** The commits of this replica wait. */
function holdUpCommits(): HeldUp {
  const { one } = replicas;
  const [gate, apply] = [gateAt(1), one.apply.bind(one)];
  vi.spyOn(one, "apply").mockImplementation(async (...args) => {
    await gate.pass();
    return apply(...args);
  });
  return gate;
}

/** The nth look of this replica at events waits. */
function holdUpEvents(nth: number): HeldUp {
  const { one } = replicas;
  const [gate, listEvents] = [gateAt(nth), one.listEvents.bind(one)];
  vi.spyOn(one, "listEvents").mockImplementation(async (...args) => {
    await gate.pass();
    return listEvents(...args);
  });
  return gate;
}

/** Resolves once this replica has read the execution while it was being cancelled. */
function seenCancelling(): () => Promise<void> {
  const spy = vi.spyOn(replicas.one, "findExecution");
  return () =>
    until(() =>
      spy.mock.settledResults.some(({ type, value }) => type === "fulfilled" && value?.state === "cancelling"),
    );
}

describe.each([1, 2])("news that are read before a cancel and come after it, held up at look %i", (nth) => {
  it.each(["process_instance", "workflow_run"] as const)("are not taken for its answer: a %s", async (kind) => {
    const key = keyOfKind(kind, "1");
    await here.register(registration(key, null));
    const isSeen = seenCancelling();
    const [commits, events] = [holdUpCommits(), holdUpEvents(nth)];
    const answer = here.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
    await commits.reached;
    await there.start(key, LEASE);
    await events.reached;
    commits.release();
    await isSeen();
    events.release();
    await there.reportStopped(key, 1, "gone");

    const { execution } = await answer;
    expect(execution.cancellation).toMatchObject({ stage: "ended", proof: "confirmed" });
  });

  it("do not end a watch of the cancellation", async () => {
    const key = keyOfKind("process", "p-1");
    const watching = new AbortController();
    const events = holdUpEvents(nth + 1);
    await here.register(registration(key, null));
    const whole = typesOf(here.watchExecution(key, 0, watching.signal));
    await there.start(key, LEASE);
    await events.reached;
    const { execution } = await there.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
    const own = typesOf(here.watchCancellation(TENANT, execution.cancellation?.id ?? "", 0, FOREVER));
    await until(() => vi.mocked(replicas.one.listEvents).mock.calls.length > nth + 1);
    events.release();
    await there.reportStopped(key, 1, "gone");

    expect((await own).at(-1)).toBe("cancellation_ended");
    expect((await whole).at(-1)).toBe("cancellation_ended");
  });
});

describe("a watcher", () => {
  it("sees what another replica committed before what was committed here", async () => {
    const key = keyOfKind("process", "p-1");
    await here.register(registration(key, null));
    const events = holdUpEvents(2);
    const seen: StoredEvent[] = [];
    const watching = (async () => {
      for await (const event of here.watchExecution(key, 0, FOREVER)) seen.push(event);
    })();
    await until(() => seen.length === 1);
    await there.start(key, LEASE);
    await events.reached;
    await here.complete(key, 1, {}, null);
    events.release();
    await watching;

    expect(seen.map(({ type }) => type)).toEqual(["registered", "started", "completed"]);
  });
});
