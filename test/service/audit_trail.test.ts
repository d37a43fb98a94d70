import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused, refusal } from "../../src/domain/refusal.ts";
import type { AuditTrail } from "../../src/service/service.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, type TestService } from "./world.ts";

const KEY = keyOfKind("process", "p-1");

let world: TestService;

function newTrail(): AuditTrail {
  const call = { action: "CancelProcess", principal: "key:1", name: "ops", address: "192.0.2.7", requestId: "r-1" };
  return { call, isRecorded: false };
}

async function outcomes(): Promise<string[]> {
  const all = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
  return (await world.store.audit.list(KEY.tenant, all, 0, 100)).events.map(({ outcome }) => outcome);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    world = await startService({}, database);
    await world.service.register(registration(KEY, null));
  });
  afterEach(() => world.close());

  describe("the audit trail of a cancel", () => {
    it("is the store's from when it has the cancel to decide: a caller that is cut off meanwhile is not written down twice", async () => {
      const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const { store, service } = world;
      const apply = store.apply.bind(store);
      store.apply = async (envelopes, now) => {
        reached.resolve();
        await goOn.promise;
        return apply(envelopes, now);
      };
      const audit = newTrail();
      const answer = service.cancel(cancelOf(KEY, { audit }), FOREVER);

      await reached.promise;
      const whileDeciding = audit.isRecorded;
      goOn.resolve();
      await answer;

      expect([whileDeciding, audit.isRecorded]).toEqual([true, true]);
      expect(await outcomes()).toEqual(["applied"]);
    });

    it("is the store's where the cancel is refused by what it knows", async () => {
      const audit = newTrail();

      const unknown = world.service.cancel(cancelOf(keyOfKind("process", "unknown"), { audit }), FOREVER);

      await expect(unknown).rejects.toThrow("unknown");
      expect(audit.isRecorded).toBe(true);
      expect(await outcomes()).toEqual(["EXECUTION_NOT_FOUND"]);
    });

    it("is not the store's where it can't decide", async () => {
      const { store, service } = world;
      store.apply = () => Promise.reject(new Refused(refusal("store_unavailable", "the disk is full")));
      const audit = newTrail();

      await expect(service.cancel(cancelOf(KEY, { audit }), FOREVER)).rejects.toThrow("the disk is full");

      expect(audit.isRecorded).toBe(false);
      expect(await outcomes()).toEqual([]);
    });
  });
});
