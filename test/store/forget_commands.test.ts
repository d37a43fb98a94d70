import { type Compilable, CompiledQuery } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { deleteSettled, deleteSteerings, forgetCreations, selectOld } from "../../src/store/forget_commands.ts";
import type { CommandPlace, Envelope, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, SQLITE, type StoreUnderTest } from "./databases.ts";

let test: StoreUnderTest;
let store: Store;

function envelope(key: ExecutionKey, command: Command, commandId: string): Envelope {
  const idempotency = { principal: "key:1", method: command.type, commandId, fingerprint: "f-1" };
  return { key, command, idempotency, effectId: null, audit: null };
}

const processKey = (id: string): ExecutionKey => ({ tenant: "default", kind: "process", id });

async function register(count: number, now: number): Promise<void> {
  const command: Command = { type: "register", spec: specWith({}), queueItems: [], claim: null };
  const envelopes = Array.from({ length: count }, (_, index) =>
    envelope(processKey(`p-${now}-${index}`), command, `c-${index}`),
  );
  await store.apply(envelopes, now);
}

async function countCommands(): Promise<number> {
  const { count } = await test.db
    .selectFrom("command")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

/** How SQLite goes about it. */
async function planOf(query: Compilable): Promise<string[]> {
  const { sql, parameters } = query.compile();
  const plan = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]);
  const { rows } = await test.db.executeQuery<{ detail: string }>(plan);
  return rows.map(({ detail }) => detail);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  describe("forgetting commands", () => {
    it("goes through the old ones in steps, and leaves the others alone", async () => {
      await register(7, 1_000);
      await register(3, 2_000);

      const places = [];
      let place: CommandPlace | null = null;
      do {
        place = await store.forgetCommands(2_000, place, 3);
        places.push(place?.created_at ?? null);
      } while (place !== null);

      expect(places).toEqual([1_000, 1_000, null]);
      expect(await countCommands()).toBe(3);
    });

    it("passes over those that wait for an answer, however many they are", async () => {
      const instance: ExecutionKey = { tenant: "default", kind: "process_instance", id: "1" };
      const claim = { workerId: "w-1", leaseDuration: 15_000 };
      await store.apply(
        [
          envelope(instance, { type: "register", spec: specWith({}), queueItems: [], claim }, "r-1"),
          ...Array.from({ length: 5 }, (_, index) => envelope(instance, cancelWith(), `c-${index}`)),
        ],
        1_000,
      );
      await register(4, 1_500);

      let place: CommandPlace | null = null;
      do place = await store.forgetCommands(2_000, place, 2);
      while (place !== null);

      expect(await countCommands()).toBe(5);
    });

    it("answers those that wait when the cancellation ends, and forgets them then", async () => {
      const instance: ExecutionKey = { tenant: "default", kind: "process_instance", id: "1" };
      const claim = { workerId: "w-1", leaseDuration: 15_000 };
      const cancel = envelope(instance, cancelWith(), "c-1");
      const [registered] = await store.apply(
        [envelope(instance, { type: "register", spec: specWith({}), queueItems: [], claim }, "r-1"), cancel],
        1_000,
      );
      expect(await store.findAnswer(instance, cancel.idempotency!)).toBeNull();

      const token = registered?.execution?.lease?.token ?? 0;
      const [ended] = await store.apply(
        [envelope(instance, { type: "report_stopped", token, evidence: "gone" }, "s-1")],
        1_500,
      );

      expect(await store.findAnswer(instance, cancel.idempotency!)).toEqual({
        execution: ended?.execution,
        lastSequence: ended?.events.at(-1)?.sequence,
        flagRaised: false,
      });
      expect(await store.forgetCommands(2_000, null, 10)).toBeNull();
      expect(await countCommands()).toBe(0);
    });
  });
});

describe("what the sweeper asks of SQLite", () => {
  beforeEach(async () => {
    test = await openStore(SQLITE);
  });
  afterEach(() => test.close());

  const place: CommandPlace = { created_at: 1, execution_rid: 1, principal: "p", method: "m", command_id: "c" };

  it("is found by the index of ages, without sorting", async () => {
    for (const from of [null, place]) {
      const plan = await planOf(selectOld(test.db, 2_000, from, 100));

      expect(plan).toHaveLength(1);
      expect(plan[0]).toMatch(/^SEARCH command USING COVERING INDEX command_by_age/);
    }
  });

  it("is removed by its keys, of a part of that index", async () => {
    for (const from of [null, place]) {
      const plan = await planOf(deleteSettled(test.db, from, place));

      expect(plan.filter((step) => /^SCAN|TEMP B-TREE/.test(step))).toEqual([]);
      expect(plan.join("\n")).toMatch(/SEARCH command USING INDEX command_by_age \((\(created_at,|created_at)/);
    }
  });

  it("is found by an index for batch operations too", async () => {
    expect((await planOf(forgetCreations(test.db, 2_000, 100))).join("\n")).toContain("batch_operation_by_command_age");
    expect((await planOf(deleteSteerings(test.db, 2_000, 100))).join("\n")).toContain("batch_command_by_age");
  });
});
