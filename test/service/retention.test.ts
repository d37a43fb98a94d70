import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Execution, ExecutionKey } from "../../src/domain/execution.ts";
import { Refused } from "../../src/domain/refusal.ts";
import { Retention, type RetentionOptions, type RetentionTimes } from "../../src/service/retention.ts";
import type { Idempotency } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, type TestService } from "./world.ts";

const HOUR = 3_600_000;
const RETENTION = 24 * HOUR;
const TIMES = { commands: RETENTION, executions: null, audit: null };

/** One that holds while the clock is put forward. */
const LONG_CLAIM = { workerId: "w-1", leaseDuration: 20 * RETENTION };

/** How far the clock of the tests is ahead. */
let ahead = 0;
const clock = { now: () => Date.now() + ahead };

let test: TestService;

function command(commandId: string, method: string, fingerprint = "f-1"): Idempotency {
  return { principal: "key:1", method, commandId, fingerprint };
}

async function sweep(change: Partial<RetentionOptions> = {}): Promise<void> {
  const logger = pino({ level: "silent" });
  const retention = new Retention({ store: test.store, clock, logger, times: TIMES, ...change });
  // The service's own may be at it.
  await expect.poll(() => retention.sweep(), { interval: 5 }).toBe(true);
}

function register(commandId: string, workerId: string | null = null): Promise<Execution> {
  const unnamed = keyOfKind("process", "");
  return test.service.register({
    ...registration(unnamed, workerId),
    idempotency: command(commandId, "RegisterExecution"),
  });
}

function cancel(key: ExecutionKey, fingerprint?: string) {
  const idempotency = command("c-1", "Cancel", fingerprint);
  return test.service.cancel(cancelOf(key, { idempotency }), FOREVER);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    ahead = 0;
    test = await startService({ clock, retention: TIMES }, database);
  });
  afterEach(() => test.close());

  describe("a command id", () => {
    it("is kept for as long as was promised", async () => {
      const { key } = await register("r-1");
      await cancel(key, "f-1");
      ahead = RETENTION - HOUR;

      await sweep();

      expect((await register("r-1")).key).toEqual(key);
      await expect(cancel(key, "f-2")).rejects.toBeInstanceOf(Refused);
    });

    it("names a new command afterwards", async () => {
      const { key } = await register("r-1");
      await cancel(key, "f-1");
      ahead = RETENTION + HOUR;

      await sweep();

      expect((await register("r-1")).key).not.toEqual(key);
      expect(await cancel(key, "f-2")).toMatchObject({ disposition: "already_cancelled" });
    });

    it("of a batch operation, and of its steering, is kept and forgotten likewise", async () => {
      const instance = keyOfKind("process_instance", "7");
      await test.service.register(registration(instance, "w-1"));
      const filter = { conditions: [], tags: [], anyOf: [] };
      const create = () =>
        test.service.createBatchOperation({
          tenant: instance.tenant,
          principal: "key:1",
          filter,
          operationReference: null,
          idempotency: command("b-1", "CreateBatchOperation"),
          audit: null,
        });
      const batch = await create();
      const suspend = () =>
        test.service.suspendBatchOperation(instance.tenant, batch, null, command("s-1", "SuspendBatchOperation"));
      await suspend();
      ahead = RETENTION - HOUR;
      await sweep();
      expect(await create()).toBe(batch);
      await suspend();
      ahead = RETENTION + HOUR;

      await sweep();

      expect(await create()).not.toBe(batch);
      await expect(suspend()).rejects.toThrow("is suspended");
    });

    it("is not forgotten while its first caller waits", async () => {
      const key = keyOfKind("process_instance", "8");
      const { lease } = await test.service.register({ ...registration(key, null), claim: LONG_CLAIM });
      const waiting = cancel(key);
      await expect.poll(async () => (await test.store.findExecution(key))?.state).toBe("cancelling");
      ahead = 10 * RETENTION;

      await sweep();

      await test.service.reportStopped(key, lease!.token, "gone");
      const answer = await waiting;
      expect(await cancel(key)).toEqual(answer);
    });

    it("whose caller left is forgotten once the cancellation has ended", async () => {
      const key = keyOfKind("workflow_run", "r-1");
      const { lease } = await test.service.register({ ...registration(key, null), claim: LONG_CLAIM });
      const idempotency = command("c-1", "Cancel");
      // What a crash leaves behind: decided, and never answered.
      await test.service.stop();
      const cancelling = cancelOf(key, { idempotency });
      await test.store.apply(
        [
          {
            key,
            command: {
              type: "cancel",
              cancellationId: "c",
              strategy: "soft_then_force",
              forceAfter: 10_000,
              reason: cancelling.reason,
              requestedBy: null,
              parentCancellationId: null,
              operationReference: null,
            },
            idempotency,
            effectId: null,
            audit: null,
          },
        ],
        clock.now(),
      );
      await test.restart();
      ahead = RETENTION + HOUR;
      await sweep();
      await expect(cancel(key, "f-2")).rejects.toThrow("used before");
      await test.service.reportStopped(key, lease!.token, "gone");

      await sweep();

      expect(await cancel(key, "f-2")).toMatchObject({ disposition: "already_cancelled" });
    });
  });

  describe("what was finished long ago", () => {
    const DAY = 24 * HOUR;
    const audit = { action: "CancelProcess", principal: "key:1", name: "ops", address: "192.0.2.7", requestId: "r-1" };

    const sweepWith = (times: Partial<RetentionTimes>) => sweep({ times: { ...TIMES, ...times } });

    async function cancelled(id: string): Promise<ExecutionKey> {
      const key = keyOfKind("process", id);
      await test.service.register(registration(key, null));
      await test.service.cancel(cancelOf(key, { audit: { call: audit, isRecorded: false } }), FOREVER);
      return key;
    }

    const logOf = async () => {
      const all = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
      return (await test.store.audit.list("default", all, 0, 100)).events.map(({ number }) => number);
    };

    it("is kept unless somebody says for how long", async () => {
      const key = await cancelled("p-1");
      ahead = 10_000 * DAY;

      await sweepWith({});

      expect(await test.service.getExecution(key)).toMatchObject({ state: "cancelled" });
      expect(await logOf()).toEqual([1]);
    });

    it("is removed, executions and audit events each after their own time", async () => {
      const old = await cancelled("old");
      const running = keyOfKind("process", "running");
      await test.service.register(registration(running, null));
      ahead = 20 * DAY;
      const young = await cancelled("young");
      ahead = 31 * DAY;

      await sweepWith({ executions: 30 * DAY, audit: 90 * DAY });
      expect(await logOf()).toEqual([1, 2]);
      await sweepWith({ audit: 30 * DAY });

      await expect(test.service.getExecution(old)).rejects.toMatchObject({
        refusal: { reason: "execution_not_found" },
      });
      expect(await test.service.getExecution(young)).toMatchObject({ state: "cancelled" });
      expect(await test.service.getExecution(running)).toMatchObject({ state: "pending" });
      expect(await logOf()).toEqual([2]);
    });
  });

  describe("the sweeper", () => {
    it("looks at few commands at a time, and at all of them in the end", async () => {
      const count = 250;
      const keys = await Promise.all(Array.from({ length: count }, (_, index) => register(`r-${index}`)));
      ahead = RETENTION + HOUR;
      const limits: number[] = [];
      const store = {
        batchOperations: test.store.batchOperations,
        pruning: test.store.pruning,
        forgetCommands: (...[before, place, limit]: Parameters<typeof test.store.forgetCommands>) => {
          limits.push(limit);
          return test.store.forgetCommands(before, place, limit);
        },
      };

      await sweep({ store });

      expect(limits).toEqual([100, 100, 100]);
      const again = await Promise.all(Array.from({ length: count }, (_, index) => register(`r-${index}`)));
      const before = new Set(keys.map(({ key }) => key.id));
      expect(again.filter(({ key }) => before.has(key.id))).toEqual([]);
    });

    it("begins with the service", async () => {
      const { key } = await register("r-1");
      const idempotency = command("r-1", "RegisterExecution");
      ahead = RETENTION + HOUR;

      await test.restart();

      await expect.poll(() => test.store.findAnswer(key, idempotency)).toBeNull();
    });
  });
});
