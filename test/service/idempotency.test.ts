import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engines/engine.ts";
import type { CancelAnswer, Idempotency } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, type TestService, typesOf } from "./world.ts";

/** How far the clock of the tests is ahead. */
let ahead = 0;
const clock = { now: () => Date.now() + ahead };

/** Refuses to stop anything for good, until told otherwise. */
let isWilling = false;
const engine: Engine = {
  name: "moody",
  describe: async () => ({ status: "running", detail: "it runs" }),
  requestStop: async () => (isWilling ? { type: "delivered" } : { type: "refused", message: "not today" }),
  terminate: async () => ({ type: "delivered" }),
};

let test: TestService;

function command(commandId: string, method = "Cancel"): Idempotency {
  return { principal: "key:1", method, commandId, fingerprint: "f-1" };
}

function cancel(key: ReturnType<typeof keyOfKind>, commandId: string | null, signal = FOREVER): Promise<CancelAnswer> {
  const idempotency = commandId === null ? null : command(commandId);
  return test.service.cancel(cancelOf(key, { idempotency }), signal);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    ahead = 0;
    isWilling = false;
    test = await startService({ clock, engines: [engine] }, database);
  });
  afterEach(() => test.close());

  describe("a replay", () => {
    it("shows the timeline as the first answer did, of a cancel that joined", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      await cancel(key, null);
      const first = await cancel(key, "c-1");
      await test.service.reportStopped(key, 1, "gone");

      const again = await cancel(key, "c-1");

      expect(first).toMatchObject({ disposition: "joined" });
      expect(first.timeline.map(({ type }) => type)).toContain("cancellation_joined");
      expect(again).toEqual(first);
    });

    it("shows the timeline as the first answer did, of a cancel that came too late", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, null));
      await cancel(key, null);
      const first = await cancel(key, "c-1");

      const again = await cancel(key, "c-1");

      expect(first.timeline.length).toBeGreaterThan(0);
      expect(again).toEqual(first);
    });

    it("tells how its own cancellation ended, not how a later one goes", async () => {
      const key = keyOfKind("process_instance", "1");
      await test.service.register(registration(key, "w-1", { engine: engine.name }));
      const gone = AbortSignal.abort();
      await expect(cancel(key, "c-1", gone)).rejects.toThrow("still being cancelled");
      const { cancellation } = await test.service.getExecution(key);
      const id = cancellation?.id ?? "";
      await typesOf(test.service.watchCancellation(key.tenant, id, 0, FOREVER));
      isWilling = true;
      await expect(cancel(key, null, gone)).rejects.toThrow("still being cancelled");

      const again = await cancel(key, "c-1");

      expect(again.execution.cancellation).toMatchObject({ id, outcome: "failed", failure: "not today" });
      expect(await cancel(key, "c-1")).toEqual(again);
    });
  });

  describe("a registration that is repeated", () => {
    it("tells those who wait for the end of a cancellation nothing", async () => {
      const key = keyOfKind("process_instance", "1");
      const idempotency = command("r-1", "RegisterExecution");
      const register = () => test.service.register({ ...registration(key, "w-1"), idempotency });
      await register();
      const waiting = cancel(key, null);
      await expect.poll(async () => (await test.store.findExecution(key))?.state).toBe("cancelling");

      const { cancellation } = await register();

      expect(cancellation).toBeNull();
      await test.service.reportStopped(key, 1, "gone");
      expect((await waiting).execution.state).toBe("cancelled");
    });
  });

  describe("the short wait of a workflow run", () => {
    it("is over for all who repeat the command when it is over for the first", async () => {
      const key = keyOfKind("workflow_run", "r-1");
      await test.service.register(registration(key, "w-1"));
      const first = cancel(key, "c-1");
      await expect.poll(async () => (await test.store.findExecution(key))?.state).toBe("cancelling");
      ahead = 2_000;

      const second = await cancel(key, "c-1");

      expect(second.execution.state).toBe("cancelling");
      await test.service.reportStopped(key, 1, "gone");
      expect(await first).toEqual(second);
    });
  });

  describe("two registrations at once under one command id", () => {
    const register = (change: Partial<Idempotency> = {}) =>
      test.service.register({
        ...registration(keyOfKind("process", ""), "w-1"),
        idempotency: { ...command("r-1", "RegisterExecution"), ...change },
      });

    it("register one execution, with one lease", async () => {
      const [one, other] = await Promise.all([register(), register()]);

      expect(other).toEqual(one);
      expect(one.lease?.token).toBe(1);
    });

    it("register two if they are of two callers, or name two commands", async () => {
      const registered = await Promise.all([
        register(),
        register({ principal: "key:2" }),
        register({ commandId: "r-2" }),
        register({ method: "AnotherMethod" }),
      ]);

      expect(new Set(registered.map(({ key }) => key.id)).size).toBe(4);
    });

    it("register one even if the second asks for another kind, which is refused", async () => {
      const { key } = await register();
      const other = test.service.register({
        ...registration(keyOfKind("process_instance", ""), "w-1"),
        idempotency: { ...command("r-1", "RegisterExecution"), fingerprint: "f-2" },
      });

      await expect(other).rejects.toThrow("used before");
      expect((await register()).key).toEqual(key);
    });
  });
});
