import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { ExecutionFilter, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";
import { ALL_PROCESSES } from "./filters.ts";

let test: StoreUnderTest;
let store: Store;

function processKey(id: string): ExecutionKey {
  return { tenant: "default", kind: "process", id };
}

function envelope(key: ExecutionKey, command: Command) {
  return { key, command, idempotency: null, effectId: null, audit: null };
}

function register(labels: Record<string, string> = {}): Command {
  return { type: "register", spec: specWith({ labels }), queueItems: [], claim: null };
}

function registerWith(claim: { workerId: string; leaseDuration: number }): Command {
  return { type: "register", spec: specWith(), queueItems: [], claim };
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  describe("a batch", () => {
    it("decides its commands in order, each on what the one before left", async () => {
      const key = processKey("p-1");
      const applied = await store.apply(
        [envelope(key, register()), envelope(key, cancelWith()), envelope(key, cancelWith())],
        1_000,
      );
      expect(applied.map(({ reply }) => reply)).toEqual([
        { accepted: true, disposition: "applied" },
        { accepted: true, disposition: "applied" },
        { accepted: true, disposition: "already_cancelled" },
      ]);
      expect(await store.findExecution(key)).toEqual(applied[2]?.execution);
    });

    it("gives events sequences in the order in which they happened", async () => {
      const applied = await store.apply(
        [
          envelope(processKey("p-1"), register()),
          envelope(processKey("p-2"), register()),
          envelope(processKey("p-1"), cancelWith()),
        ],
        1_000,
      );
      const sequences = applied.flatMap(({ events }) => events.map(({ sequence }) => sequence));
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
      expect(new Set(sequences).size).toBe(sequences.length);
    });

    it("numbers its events and effects as they can be found later, however many there are", async () => {
      const keys = Array.from({ length: 30 }, (_, index) => processKey(`p-${index}`));
      const claim = { workerId: "w-1", leaseDuration: 60_000 };
      await store.apply(
        keys.map((key) => envelope(key, registerWith(claim))),
        1_000,
      );

      const applied = await store.apply(
        keys.map((key, index) => envelope(key, cancelWith({ cancellationId: `c-${index}` }))),
        2_000,
      );

      const later = 10_000_000;
      const owed = await store.claimEffects(later, later + 1, 1_000);
      for (const [index, { execution, events, effects }] of applied.entries()) {
        const key = processKey(`p-${index}`);
        const filter = { key, cancellationId: `c-${index}`, afterSequence: 0, upToSequence: null, limit: 100 };
        expect(await store.listEvents(filter)).toEqual(events);
        expect(await store.findExecution(key)).toEqual(execution);
        expect(effects.length).toBeGreaterThan(0);
        for (const effect of effects) expect(owed).toContainEqual(effect);
      }
    });

    it("reads back what it wrote, in full", async () => {
      const key = processKey("p-1");
      const command: Command = {
        type: "register",
        spec: specWith({
          labels: { team: "blue" },
          listeners: [{ type: "cleanup", retries: 3 }],
          detail: { processType: "scan" },
        }),
        queueItems: [
          { id: "q-1", state: "pending" },
          { id: "q-2", state: "executing" },
        ],
        claim: { workerId: "w-1", leaseDuration: 15_000 },
      };
      const cancel = cancelWith({ requestedBy: { system: "ops", user: "ann", metadata: { ticket: 7 } } });
      const [, cancelled] = await store.apply([envelope(key, command), envelope(key, cancel)], 1_000);
      expect(await store.findExecution(key)).toEqual(cancelled?.execution);
      const other = processKey("p-2");
      const failing: Command = {
        type: "fail",
        token: 0,
        error: { type: "E", message: "m", step: "s", details: { a: [1] } },
      };
      const [, failed] = await store.apply([envelope(other, register()), envelope(other, failing)], 1_000);
      expect(await store.findExecution(other)).toEqual(failed?.execution);
    });
  });

  describe("effects", () => {
    it("are claimed once when due, come back when postponed, and are gone with the command that carries them out", async () => {
      const key = processKey("p-1");
      const claim = { workerId: "w-1", leaseDuration: 5_000 };
      await store.apply([envelope(key, { ...registerWith(claim) })], 1_000);
      expect(await store.nextEffectAt()).toBe(6_000);
      expect(await store.claimEffects(5_999, 30_000, 10)).toEqual([]);
      const [timer] = await store.claimEffects(6_000, 36_000, 10);
      expect(timer).toMatchObject({ key, effect: { type: "lease_timer", token: 1 }, attempts: 0 });
      expect(await store.claimEffects(6_000, 36_000, 10)).toEqual([]);

      await store.postponeEffect(timer?.id ?? 0, 7_000, 1);
      expect(await store.claimEffects(7_000, 37_000, 10)).toMatchObject([{ id: timer?.id, attempts: 1 }]);
      await store.apply([{ ...envelope(key, { type: "lease_due", token: 1 }), effectId: timer?.id ?? null }], 7_000);
      expect(await store.nextEffectAt()).toBeNull();
    });
  });

  describe("lists", () => {
    beforeEach(async () => {
      for (let number = 1; number <= 5; number += 1) {
        const labels = { parity: number % 2 === 0 ? "even" : "odd" };
        // Two of them are registered in the same millisecond.
        await store.apply([envelope(processKey(`p-${number}`), register(labels))], 1_000 + Math.min(number, 4));
      }
      await store.apply([envelope(processKey("p-2"), cancelWith())], 2_000);
    });

    async function idsOf(filter: Partial<ExecutionFilter>, size = 100): Promise<string[]> {
      const { items } = await store.listExecutions("default", { ...ALL_PROCESSES, ...filter }, { size, token: "" });
      return items.map(({ key }) => key.id);
    }

    it("show the newest first, page by page, each execution once", async () => {
      const seen: string[] = [];
      let token = "";
      do {
        const page = await store.listExecutions("default", ALL_PROCESSES, { size: 2, token });
        seen.push(...page.items.map(({ key }) => key.id));
        token = page.nextPageToken;
      } while (token !== "");
      expect(seen).toEqual(["p-5", "p-4", "p-3", "p-2", "p-1"]);
    });

    it("filter by state, label and time", async () => {
      expect(await idsOf({ states: ["cancelled"] })).toEqual(["p-2"]);
      expect(await idsOf({ labels: { parity: "even" } })).toEqual(["p-4", "p-2"]);
      expect(await idsOf({ createdAfter: 1_003, createdBefore: 1_004 })).toEqual(["p-3"]);
    });

    it("don't show another tenant's executions", async () => {
      const { items } = await store.listExecutions("stranger", ALL_PROCESSES, { size: 100, token: "" });
      expect(items).toEqual([]);
    });

    it("refuse a page token of another list, and one that is nonsense", async () => {
      const { nextPageToken } = await store.listExecutions("default", ALL_PROCESSES, { size: 1, token: "" });
      const other = store.listExecutions(
        "default",
        { ...ALL_PROCESSES, states: ["pending"] },
        { size: 1, token: nextPageToken },
      );
      await expect(other).rejects.toMatchObject({ refusal: { reason: "invalid_page_token" } });
      const nonsense = store.listExecutions("default", ALL_PROCESSES, { size: 1, token: "%%%" });
      await expect(nonsense).rejects.toMatchObject({ refusal: { reason: "invalid_page_token" } });
    });
  });
});
