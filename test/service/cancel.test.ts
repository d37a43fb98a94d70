import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import type { Idempotency } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, obey, registration, startService, type TestService, typesOf } from "./world.ts";

let test: TestService;
let worker: AbortController;

function commandId(id: string, fingerprint = "f-1"): Idempotency {
  return { principal: "p", method: "CancelProcess", commandId: id, fingerprint };
}

function reason(error: unknown): string {
  return error instanceof Refused ? error.refusal.reason : String(error);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await startService({}, database);
    worker = new AbortController();
  });
  afterEach(async () => {
    worker.abort();
    await test.close();
  });

  describe("cancelling through the service", () => {
    it("brings the stop to the attached worker, and the terminate when the time has passed", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const obeying = obey(test.service, "w-1", ["terminate"], worker.signal);
      const { execution } = await test.service.cancel(cancelOf(key, { forceAfter: 50 }), FOREVER);
      const types = await typesOf(
        test.service.watchCancellation("default", execution.cancellation?.id ?? "", 0, FOREVER),
      );
      expect(types).toEqual([
        "cancellation_requested",
        "stop_requested",
        "stop_delivered",
        "terminate_requested",
        "terminate_delivered",
        "stop_confirmed",
        "cancellation_ended",
      ]);
      expect((await test.service.getExecution(key)).cancellation).toMatchObject({
        proof: "confirmed",
        termination: "issued",
      });
      worker.abort();
      await obeying;
    });

    it("tells a worker that attaches later what it missed", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const { execution } = await test.service.cancel(cancelOf(key), FOREVER);
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const types = await typesOf(
        test.service.watchCancellation("default", execution.cancellation?.id ?? "", 0, FOREVER),
      );
      expect(types.slice(-3)).toEqual(["stop_delivered", "stop_confirmed", "cancellation_ended"]);
      worker.abort();
      await obeying;
    });

    it("says once, in the timeline, that a worker can't be reached, but not of one that is just connecting", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const { execution } = await test.service.cancel(cancelOf(key, { forceAfter: 60_000 }), FOREVER);
      const seen: string[] = [];
      for await (const event of test.service.watchCancellation(
        "default",
        execution.cancellation?.id ?? "",
        0,
        FOREVER,
      )) {
        seen.push(event.type);
        if (event.type === "engine_unreachable") break;
      }
      expect(seen).toEqual(["cancellation_requested", "stop_requested", "engine_unreachable"]);
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const types = await typesOf(
        test.service.watchCancellation("default", execution.cancellation?.id ?? "", 0, FOREVER),
      );
      expect(types.filter((type) => type === "engine_unreachable")).toHaveLength(1);
      worker.abort();
      await obeying;
    });

    it("answers a process instance once its stop is proven", async () => {
      const key = keyOfKind("process_instance", "1");
      await test.service.register(registration(key, "w-1"));
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const answer = await test.service.cancel(cancelOf(key), FOREVER);
      expect(answer.execution.cancellation).toMatchObject({ outcome: "cancelled", proof: "confirmed" });
      expect(answer.timeline.at(-1)?.type).toBe("cancellation_ended");
      worker.abort();
      await obeying;
    });

    it("says that it is still cancelling when the caller's time is up, and joins when asked again", async () => {
      const key = keyOfKind("process_instance", "1");
      await test.service.register(registration(key, "w-1"));
      const impatient = test.service.cancel(cancelOf(key), AbortSignal.timeout(50)).catch(reason);
      expect(await impatient).toBe("still_cancelling");
      expect((await test.service.getExecution(key)).state).toBe("cancelling");
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const again = await test.service.cancel(cancelOf(key), FOREVER);
      expect(again).toMatchObject({ disposition: "joined", execution: { state: "cancelled" } });
      worker.abort();
      await obeying;
    });

    it("does not know an instance under another workflow", async () => {
      const key = keyOfKind("workflow_instance", "i-1");
      await test.service.register(registration(key, null, { workflowId: "w-a" }));
      const wrong = test.service.cancel(cancelOf(key, { workflowId: "w-b" }), FOREVER).catch(reason);
      expect(await wrong).toBe("execution_not_found");
      expect((await test.service.getExecution(key)).state).toBe("pending");
    });
  });

  describe("a command id", () => {
    it("replays the first answer, even when the execution has gone on since", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const first = await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      await test.service.reportStopped(key, 1, "gone");
      const again = await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      expect(again).toEqual(first);
      expect(again.execution.state).toBe("cancelling");
    });

    it("is refused for another request", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, null));
      await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      const other = test.service.cancel(cancelOf(key, { idempotency: commandId("c-1", "f-2") }), FOREVER).catch(reason);
      expect(await other).toBe("idempotency_key_reused");
    });

    it("gives one cancellation and one answer when used twice at once", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const [one, two] = await Promise.all([
        test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER),
        test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER),
      ]);
      expect(two).toEqual(one);
    });

    it("makes the second caller wait with the first, and keeps that answer", async () => {
      const key = keyOfKind("process_instance", "1");
      await test.service.register(registration(key, "w-1"));
      const first = test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      const second = test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const [one, two] = await Promise.all([first, second]);
      expect(two.execution).toEqual(one.execution);
      const third = await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      expect(third).toEqual(one);
      worker.abort();
      await obeying;
    });

    it("is free again if the first call was refused", async () => {
      const key = keyOfKind("process", "p-1");
      const early = test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER).catch(reason);
      expect(await early).toBe("execution_not_found");
      await test.service.register(registration(key, null));
      const answer = await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      expect(answer.execution.state).toBe("cancelled");
    });
  });

  describe("a restart", () => {
    it("forgets nothing: the escalation comes after it, once", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, "w-1"));
      const { execution } = await test.service.cancel(cancelOf(key, { forceAfter: 100 }), FOREVER);
      await test.restart();
      const obeying = obey(test.service, "w-1", ["terminate"], worker.signal);
      const types = await typesOf(
        test.service.watchCancellation("default", execution.cancellation?.id ?? "", 0, FOREVER),
      );
      expect(types.filter((type) => type === "terminate_requested")).toHaveLength(1);
      expect(types.at(-1)).toBe("cancellation_ended");
      worker.abort();
      await obeying;
    });

    it("keeps command ids", async () => {
      const key = keyOfKind("process", "p-1");
      await test.service.register(registration(key, null));
      const first = await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER);
      await test.restart();
      expect(await test.service.cancel(cancelOf(key, { idempotency: commandId("c-1") }), FOREVER)).toEqual(first);
    });
  });
});
