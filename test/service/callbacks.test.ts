import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Millis } from "../../src/domain/time.ts";
import { createCallbackSender, GIVE_UP_AFTER, MAX_REFUSED_ATTEMPTS } from "../../src/service/callback_sender.ts";
import { EffectLane } from "../../src/service/effect_lane.ts";
import type { StoredEffect } from "../../src/store/store.ts";
import { type CallbackReceiver, startCallbackReceiver } from "../rest/callback_receiver.ts";
import { executionOf } from "../rpc/samples.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, obey, registration, startService, type TestService } from "./world.ts";

let receiver: CallbackReceiver;
beforeEach(async () => {
  receiver = await startCallbackReceiver();
});
afterEach(() => receiver.close());

describe("a callback that can't be delivered", () => {
  const PROCESS = executionOf("process", { state: "completed" });
  const options = { secret: null, bodyOf: () => "{}" };

  function send(url: string, attempt: number, age: Millis) {
    const sender = createCallbackSender(options, { now: () => 1_000_000 + age });
    return sender.send({ execution: PROCESS, url, attempt, owedSince: 1_000_000 });
  }

  it.each([
    [400, 1, 0, "failed"],
    [404, MAX_REFUSED_ATTEMPTS - 1, GIVE_UP_AFTER * 2, "failed"],
    [404, MAX_REFUSED_ATTEMPTS, 0, "given_up"],
    [408, MAX_REFUSED_ATTEMPTS, GIVE_UP_AFTER - 1, "failed"],
    [429, MAX_REFUSED_ATTEMPTS, GIVE_UP_AFTER - 1, "failed"],
    [429, MAX_REFUSED_ATTEMPTS, GIVE_UP_AFTER, "given_up"],
    [302, MAX_REFUSED_ATTEMPTS, GIVE_UP_AFTER - 1, "failed"],
    [500, 100, GIVE_UP_AFTER - 1, "failed"],
    [500, 2, GIVE_UP_AFTER, "given_up"],
  ] as const)("HTTP %i at attempt %i, owed for %i ms: %s", async (status, attempt, age, type) => {
    receiver.answer(status);

    expect(await send(receiver.url, attempt, age)).toEqual({ type, message: `HTTP ${status}` });
  });

  it("says why a receiver can't be reached, and tries it for as long", async () => {
    const url = "http://127.0.0.1:1/ended";

    // fetch does not connect to port 1 at all; what it says is said.
    expect(await send(url, 1, 0)).toEqual({ type: "failed", message: "bad port" });
    expect(await send(url, 2, GIVE_UP_AFTER)).toEqual({ type: "given_up", message: "bad port" });
  });

  it("has failed at once when the sender stops", async () => {
    const sender = createCallbackSender(options, { now: () => 1_000_000 });
    sender.stop();

    const result = await sender.send({ execution: PROCESS, url: receiver.url, attempt: 1, owedSince: 1_000_000 });

    expect(result.type).toBe("failed");
  });
});

describe.each(DATABASES)("over $name", (database) => {
  describe("a callback that its receiver refuses", () => {
    let running: TestService;
    beforeEach(async () => {
      running = await startService({ random: () => 0 }, database);
    });
    afterEach(() => running.close());

    it(`is given up after ${MAX_REFUSED_ATTEMPTS} attempts, and the timeline says so`, async () => {
      receiver.answer(410);
      const key = keyOfKind("process", "p-1");
      await running.service.register(registration(key, null, { callbackUrl: receiver.url }));

      await running.service.complete(key, 0, null, null);

      for (let attempt = 1; attempt <= MAX_REFUSED_ATTEMPTS; attempt += 1) {
        expect((await receiver.next()).body).toBe('{"state":"completed"}');
      }
      await expect.poll(() => running.store.nextEffectAt()).toBeNull();
      const events = await running.store.listEvents({
        key,
        cancellationId: null,
        afterSequence: 0,
        upToSequence: null,
        limit: 10,
      });
      expect(events.at(-1)).toMatchObject({
        type: "callback_failed",
        attributes: { attempts: String(MAX_REFUSED_ATTEMPTS), message: "HTTP 410" },
      });
      expect(receiver.unseen()).toBe(0);
    });
  });

  describe("callbacks that hang", () => {
    it("keep no stop waiting, however many there are", async () => {
      receiver.answer(null);
      const running = await startService({}, database);
      const ended = Array.from({ length: 400 }, (_, index) => keyOfKind("process", `hanging-${index}`));
      await Promise.all(
        ended.map(async (key) => {
          await running.service.register(registration(key, null, { callbackUrl: receiver.url }));
          await running.service.complete(key, 0, null, null);
        }),
      );
      const key = keyOfKind("process", "p-1");
      await running.service.register(registration(key, "w-1"));
      const leaving = new AbortController();
      const told = obey(running.service, "w-1", ["terminate"], leaving.signal);

      await running.service.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);

      await expect.poll(async () => (await running.service.getExecution(key)).state).toBe("cancelled");
      leaving.abort();
      await told;
      await running.close();
    });
  });
});

describe("a lane of the dispatcher", () => {
  it("holds an effect once, although the store hands it out again while it waits", async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const run: number[] = [];
    const lane = new EffectLane(1, ({ id }) => {
      run.push(id);
      return gates[id]!.promise;
    });
    const [first, second] = [0, 1].map((id) => effectOf(id));

    for (const effect of [first!, second!, first!, second!]) lane.push(effect);
    expect(run).toEqual([0]);
    expect(lane.room).toBe(-1);
    gates[0]!.resolve();
    await expect.poll(() => run).toEqual([0, 1]);
    gates[1]!.resolve();
    await expect.poll(() => lane.room).toBe(1);

    expect(run).toEqual([0, 1]);
  });

  it("forgets what waits when it stops, and waits for what runs", async () => {
    const gate = Promise.withResolvers<void>();
    const run: number[] = [];
    const lane = new EffectLane(1, ({ id }) => {
      run.push(id);
      return gate.promise;
    });
    lane.push(effectOf(0));
    lane.push(effectOf(1));

    const stopped = lane.stop();
    gate.resolve();
    await stopped;

    expect(run).toEqual([0]);
    expect(lane.room).toBe(1);
  });
});

function effectOf(id: number): StoredEffect {
  return { id, key: keyOfKind("process", `p-${id}`), effect: { type: "callback", dueAt: 0 }, attempts: 0 };
}
