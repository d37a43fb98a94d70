import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import type { ActivationRequest } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, TENANT, type TestService } from "./world.ts";

let test: TestService;
const key = keyOfKind("process_instance", "1");

function jobs(change: Partial<ActivationRequest> = {}): ActivationRequest {
  return { tenant: TENANT, workerId: "l-1", types: ["cleanup"], maxJobs: 1, lock: 60_000, wait: 0, ...change };
}

async function takeJob(change: Partial<ActivationRequest> = {}) {
  const [taken] = await test.service.activateListenerJobs(jobs(change), FOREVER);
  const job = taken?.cancellation.listenerJob;
  if (!job) throw new Error("no job was offered");
  return job;
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await startService({}, database);
    await test.service.register(registration(key, null, { listeners: [{ type: "cleanup", retries: 2 }] }));
  });
  afterEach(() => test.close());

  describe("listener jobs", () => {
    it("come to a long poll that waits for them, and let the cancel answer when they are done", async () => {
      const waiting = takeJob({ wait: 10_000 });
      const cancelling = test.service.cancel(cancelOf(key), FOREVER);
      const job = await waiting;
      await test.service.completeListenerJob(TENANT, job.key, job.activation);
      expect((await cancelling).execution.state).toBe("cancelled");
    });

    it("go to one worker only", async () => {
      const cancelling = test.service.cancel(cancelOf(key), FOREVER);
      const job = await takeJob({ wait: 10_000 });
      expect(await test.service.activateListenerJobs(jobs(), FOREVER)).toEqual([]);
      await test.service.completeListenerJob(TENANT, job.key, job.activation);
      await cancelling;
    });

    it("come again when a worker keeps one too long", async () => {
      const cancelling = test.service.cancel(cancelOf(key), FOREVER);
      const first = await takeJob({ wait: 10_000, lock: 50 });
      const again = await takeJob({ wait: 10_000, workerId: "l-2" });
      expect(again.activation).toBe(first.activation + 1);
      await expect(test.service.completeListenerJob(TENANT, first.key, first.activation)).rejects.toThrow(Refused);
      await test.service.completeListenerJob(TENANT, again.key, again.activation);
      await cancelling;
    });

    it("come again after a failure, and raise an incident when their retries have run out", async () => {
      const cancelling = test.service.cancel(cancelOf(key), FOREVER);
      const failure = { retries: null, message: "disk busy", backoff: 20 };
      const first = await takeJob({ wait: 10_000 });
      await test.service.failListenerJob(TENANT, first.key, first.activation, failure);
      const second = await takeJob({ wait: 10_000 });
      const { cancellation } = await test.service.failListenerJob(TENANT, second.key, second.activation, failure);
      expect(cancellation).toMatchObject({
        outcome: "pending",
        listenerJob: { state: "incident", message: "disk busy" },
      });
      expect(await test.service.activateListenerJobs(jobs(), FOREVER)).toEqual([]);

      await test.service.resolveIncident(TENANT, cancellation.id, 1);
      const third = await takeJob({ wait: 10_000 });
      await test.service.completeListenerJob(TENANT, third.key, third.activation);
      expect((await cancelling).execution.state).toBe("cancelled");
    });

    it("end a long poll without a job when its caller leaves", async () => {
      const caller = new AbortController();
      const waiting = test.service.activateListenerJobs(jobs({ wait: 60_000 }), caller.signal);
      caller.abort();
      expect(await waiting).toEqual([]);
    });
  });
});
