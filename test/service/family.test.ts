import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused } from "../../src/domain/refusal.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, obey, registration, startService, type TestService } from "./world.ts";

let test: TestService;
let worker: AbortController;

const root = keyOfKind("process_instance", "1");
const child = keyOfKind("process_instance", "2");
const grandchild = keyOfKind("process_instance", "3");
const stranger = keyOfKind("process_instance", "4");

async function registerFamily(): Promise<void> {
  await test.service.register(registration(root, "w-1"));
  await test.service.register(registration(child, "w-1", { parent: root }));
  await test.service.register(registration(grandchild, "w-1", { parent: child }));
  await test.service.register(registration(stranger, "w-1"));
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

  describe("cancelling a root", () => {
    it("stops its children, the deepest first, and no stranger", async () => {
      await registerFamily();
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      await test.service.cancel(cancelOf(root), FOREVER);
      const stopped: number[] = [];
      for (const key of [grandchild, child, root]) {
        const { state, cancellation } = await test.service.getExecution(key);
        expect(state).toBe("cancelled");
        stopped.push(cancellation?.endedAt ?? 0);
      }
      expect(stopped).toEqual([...stopped].sort((a, b) => a - b));
      const { cancellation } = await test.service.getExecution(child);
      expect(cancellation?.parentCancellationId).toBe((await test.service.getExecution(root)).cancellation?.id);
      expect((await test.service.getExecution(stranger)).state).toBe("running");
      worker.abort();
      await obeying;
    });

    it("asks the parent to stop only after its children have stopped", async () => {
      await registerFamily();
      const orders: string[] = [];
      const obeying = (async () => {
        for await (const message of test.service.attach("default", "w-1", worker.signal)) {
          if (message.type !== "stop_order") continue;
          orders.push(message.order.execution.key.id);
          await test.service.reportStopped(message.order.execution.key, message.order.token, "gone");
        }
      })();
      await test.service.cancel(cancelOf(root), FOREVER);
      expect(orders).toEqual([grandchild.id, child.id, root.id]);
      worker.abort();
      await obeying;
    });

    it("goes on without a child that does not stop in time", async () => {
      await test.service.register(registration(root, "w-1"));
      await test.service.register(registration(child, "w-stuck", { parent: root }));
      const obeying = obey(test.service, "w-1", ["stop"], worker.signal);
      const { execution, timeline } = await test.service.cancel(cancelOf(root, { forceAfter: 50 }), FOREVER);
      expect(execution.state).toBe("cancelled");
      expect(timeline.map((event) => event.type)).toContain("children_overdue");
      // Its own time runs out a little later than that which its parent gave it.
      await expect.poll(async () => (await test.service.getExecution(child)).cancellation?.stage).toBe("terminating");
      worker.abort();
      await obeying;
    });
  });

  describe("cancelling a child process instance", () => {
    it("is refused, and names the root of the whole family", async () => {
      await registerFamily();
      const refused = await test.service.cancel(cancelOf(grandchild), FOREVER).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Refused);
      expect(refused).toMatchObject({ refusal: { reason: "not_a_root", metadata: { root_id: root.id } } });
    });
  });
});
