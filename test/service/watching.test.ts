import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import {
  cancelOf,
  FOREVER,
  keyOfKind,
  registration,
  startService,
  TENANT,
  type TestService,
  typesOf,
} from "./world.ts";

let test: TestService;
const key = keyOfKind("process", "p-1");

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await startService({}, database);
    await test.service.register(registration(key, "w-1"));
  });
  afterEach(() => test.close());

  describe("watching an execution", () => {
    it("shows what happened so far, then what happens, and ends with the execution", async () => {
      const watch = test.service.watchExecution(key, 0, FOREVER)[Symbol.asyncIterator]();
      expect((await watch.next()).value).toMatchObject({ type: "registered" });
      expect((await watch.next()).value).toMatchObject({ type: "started" });
      const next = watch.next();
      await test.service.complete(key, 1, { pages: 3 }, null);
      expect((await next).value).toMatchObject({ type: "completed" });
      expect((await watch.next()).done).toBe(true);
    });

    it("resumes after a sequence, and misses nothing and repeats nothing", async () => {
      const all: StoredEvent[] = [];
      await test.service.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
      await test.service.reportStopped(key, 1, "gone");
      for await (const event of test.service.watchExecution(key, 0, FOREVER)) all.push(event);
      const rest: StoredEvent[] = [];
      for await (const event of test.service.watchExecution(key, all[1]?.sequence ?? 0, FOREVER)) rest.push(event);
      expect(rest).toEqual(all.slice(2));
    });

    it("refuses a sequence that lies in the future", async () => {
      await expect(typesOf(test.service.watchExecution(key, 1_000_000, FOREVER))).rejects.toMatchObject({
        refusal: { reason: "sequence_out_of_range" },
      });
    });

    it("ends when its caller leaves", async () => {
      const caller = new AbortController();
      const types = typesOf(test.service.watchExecution(key, 0, caller.signal));
      caller.abort();
      expect(await types).toEqual(["registered", "started"]);
    });
  });

  describe("watching a cancellation", () => {
    it("shows only its own events", async () => {
      const { execution } = await test.service.cancel(cancelOf(key, { strategy: "hard" }), FOREVER);
      await test.service.reportStopped(key, 1, "gone");
      const id = execution.cancellation?.id ?? "";
      const types = await typesOf(test.service.watchCancellation(TENANT, id, 0, FOREVER));
      expect(types[0]).toBe("cancellation_requested");
      expect(types.at(-1)).toBe("cancellation_ended");
    });

    it("of another tenant is not found", async () => {
      const { execution } = await test.service.cancel(cancelOf(key), FOREVER);
      const watch = test.service.watchCancellation("stranger", execution.cancellation?.id ?? "", 0, FOREVER);
      await expect(typesOf(watch)).rejects.toMatchObject({ refusal: { reason: "cancellation_not_found" } });
    });
  });
});
