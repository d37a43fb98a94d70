import type { Kysely } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey, ExecutionSpec, QueueItem } from "../../src/domain/execution.ts";
import type { AuditEntry } from "../../src/store/audit.ts";
import { CANDIDATES, FIRST_PLACE, FIRST_TENANT, ROWS } from "../../src/store/pruning.ts";
import type { Schema } from "../../src/store/schema.ts";
import type { Envelope, Idempotency, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";

let test: StoreUnderTest;
let store: Store;
let db: Kysely<Schema>;

/** Everything before this time is old. */
const OLD = 10_000;
/** When it is removed. */
const NOW = 20_000;

const TABLES = ["execution", "label", "work_item", "listener_job", "event", "effect", "command", "batch_item"] as const;

const processKey = (id: string): ExecutionKey => ({ tenant: "default", kind: "process", id });
const instanceKey = (id: string): ExecutionKey => ({ tenant: "default", kind: "process_instance", id });

function envelope(key: ExecutionKey, command: Command, idempotency: Idempotency | null = null): Envelope {
  return { key, command, idempotency, effectId: null, audit: null };
}

function registerOf(change: Partial<ExecutionSpec> = {}, queueItems: readonly QueueItem[] = []): Command {
  return { type: "register", spec: specWith(change), queueItems, claim: null };
}

const COMPLETE: Command = { type: "complete", token: 0, result: null, outcomeId: null };

/** Registers it at `at`, and completes it a moment later. */
async function finish(key: ExecutionKey, at: number, register = registerOf()): Promise<void> {
  await store.apply([envelope(key, register)], at);
  await store.apply([envelope(key, COMPLETE)], at + 1);
}

/** Steps from the first place to the last, and how many they were. */
async function repeat<Place>(first: Place, step: (place: Place) => Promise<Place | null>): Promise<number> {
  let steps = 0;
  for (let place: Place | null = first; place !== null; steps += 1) place = await step(place);
  return steps;
}

const removeExecutions = () => repeat(FIRST_PLACE, (place) => store.pruning.removeExecutions(OLD, place));
const removeBatches = () => repeat(FIRST_PLACE, (place) => store.pruning.removeBatchOperations(OLD, place));
const removeAudit = () => repeat(FIRST_TENANT, (place) => store.pruning.removeAuditEvents(OLD, place, NOW));

/** What has to be carried out is: nothing is owed any more. */
async function dropEffects(): Promise<void> {
  await db.deleteFrom("effect").execute();
}

async function countOf(table: (typeof TABLES)[number]): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return count;
}

async function countAll(): Promise<number> {
  const counts = await Promise.all(TABLES.map(countOf));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function idsOf(): Promise<string[]> {
  const rows = await db.selectFrom("execution").select("id").orderBy("rid").execute();
  return rows.map(({ id }) => id);
}

function auditEntry(tenant: string, reason: string): AuditEntry {
  return {
    tenant,
    action: "CancelProcess",
    principal: "key:1",
    name: "ops",
    address: "192.0.2.7",
    requestId: "r-1",
    requestedBy: "",
    execution: null,
    reason,
    outcome: "applied",
    message: "",
    cancellationId: "",
    count: 1,
  };
}

function logOf(tenant: string) {
  return db.selectFrom("audit_event").selectAll().where("tenant", "=", tenant).orderBy("number").execute();
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    ({ store, db } = test);
  });
  afterEach(() => test.close());

  describe("an execution that ended long ago", () => {
    it("goes with its labels, its queue items and its timeline", async () => {
      const items: QueueItem[] = [{ id: "q-1", state: "pending" }];
      await finish(processKey("old"), 1_000, registerOf({ labels: { team: "blue", app: "shop" } }, items));
      await store.apply([envelope(processKey("cancelled"), registerOf())], 1_000);
      await store.apply([envelope(processKey("cancelled"), cancelWith())], 1_001);
      await dropEffects();

      await removeExecutions();

      expect(await countAll()).toBe(0);
      expect(await store.findExecution(processKey("old"))).toBeNull();
    });

    it("leaves the younger ones as they are, and the ones that have not ended", async () => {
      await finish(processKey("old"), 1_000);
      await store.apply([envelope(processKey("running"), registerOf({ labels: { team: "blue" } }))], 1_000);
      await finish(processKey("young"), OLD, registerOf({ labels: { team: "blue" } }));
      await store.apply([envelope(processKey("ended late"), registerOf())], 1_000);
      await store.apply([envelope(processKey("ended late"), COMPLETE)], OLD);
      const young = await store.findExecution(processKey("young"));

      await removeExecutions();

      expect(await idsOf()).toEqual(["running", "young", "ended late"]);
      expect(await store.findExecution(processKey("young"))).toEqual(young);
      expect(await countOf("label")).toBe(2);
      expect(await countOf("event")).toBe(1 + 2 + 2);
    });

    it("stays while its parent lives, and as long as it has children", async () => {
      const parent = { kind: "process", id: "parent" } as const;
      await store.apply([envelope(processKey("parent"), registerOf())], 1_000);
      await store.apply([envelope(processKey("child"), registerOf({ parent }))], 1_001);
      await store.apply([envelope(processKey("child"), COMPLETE)], 1_002);
      await dropEffects();

      await removeExecutions();
      expect(await idsOf()).toEqual(["parent", "child"]);

      await store.apply([envelope(processKey("parent"), COMPLETE)], 1_003);
      await removeExecutions();
      expect(await idsOf()).toEqual(["parent"]);

      await removeExecutions();
      expect(await idsOf()).toEqual([]);
    });

    it("stays while something is owed for it, and while a command about it is remembered", async () => {
      await finish(processKey("owing"), 1_000, registerOf({ callbackUrl: "http://192.0.2.7/" }));
      await finish(processKey("asked"), 1_000);
      const idempotency = { principal: "key:1", method: "CancelProcess", commandId: "c-1", fingerprint: "f-1" };
      await store.apply([envelope(processKey("asked"), cancelWith(), idempotency)], OLD);

      await removeExecutions();
      expect(await idsOf()).toEqual(["owing", "asked"]);

      await dropEffects();
      await store.forgetCommands(OLD + 1, null, 100);
      await removeExecutions();
      expect(await idsOf()).toEqual([]);
    });

    it("makes room for another of its name", async () => {
      await finish(processKey("p-1"), 1_000);
      await removeExecutions();

      const [applied] = await store.apply([envelope(processKey("p-1"), registerOf())], NOW);

      expect(applied?.reply).toEqual({ accepted: true, disposition: "applied" });
      expect(applied?.execution).toMatchObject({ state: "pending", createdAt: NOW });
    });
  });

  describe("a step", () => {
    it("looks at few executions, and the steps together at all of them", async () => {
      const count = 2 * CANDIDATES + 10;
      const keys = Array.from({ length: count }, (_, index) => processKey(`p-${index}`));
      await store.apply(
        keys.map((key) => envelope(key, registerOf())),
        1_000,
      );
      await store.apply(
        keys.map((key) => envelope(key, COMPLETE)),
        1_001,
      );

      const place = await store.pruning.removeExecutions(OLD, FIRST_PLACE);

      expect(await countOf("execution")).toBe(count - CANDIDATES);
      expect(await repeat(place, (at) => store.pruning.removeExecutions(OLD, at ?? FIRST_PLACE))).toBe(2);
      expect(await countAll()).toBe(0);
    });

    it("removes few rows, however many an execution has", async () => {
      const items = Array.from(
        { length: 2 * ROWS + 1 },
        (_, index): QueueItem => ({ id: `q-${index}`, state: "pending" }),
      );
      await finish(processKey("p-1"), 1_000, registerOf({}, items));
      const left: number[] = [];

      await repeat(FIRST_PLACE, async (place) => {
        const next = await store.pruning.removeExecutions(OLD, place);
        left.push(await countOf("work_item"));
        return next;
      });

      expect(left).toEqual([ROWS + 1, 1, 0]);
      expect(await countAll()).toBe(0);
    });
  });

  describe("a batch operation that ended long ago", () => {
    const FILTER = { conditions: [], tags: [], anyOf: [] };

    async function startBatch(key: string, at: number, commandId: string | null = null): Promise<void> {
      const batch = { tenant: "default", key, principal: "key:1", operationReference: null };
      const idempotency =
        commandId === null
          ? null
          : { principal: "key:1", method: "CreateBatchOperation", commandId, fingerprint: "f-1" };
      await store.batchOperations.create(batch, FILTER, idempotency, at, null);
    }

    async function settleAll(at: number): Promise<void> {
      await store.batchOperations.cancelNext(["c-1"], at);
    }

    it("keeps the executions that it names until it goes itself, with its items", async () => {
      await store.apply([envelope(instanceKey("1"), registerOf())], 1_000);
      await startBatch("b-1", 1_001);
      await store.apply([envelope(instanceKey("1"), COMPLETE)], 1_002);
      await dropEffects();

      await removeBatches();
      await removeExecutions();
      expect(await countOf("batch_item")).toBe(1);
      expect(await idsOf()).toEqual(["1"]);

      await settleAll(1_003);
      await removeBatches();
      await removeExecutions();
      expect(await countAll()).toBe(0);
      expect(await store.batchOperations.find("default", "b-1")).toBeNull();
    });

    it("stays while a command of it is remembered, or if it ended later", async () => {
      await startBatch("remembered", 1_000, "c-1");
      await startBatch("young", OLD);

      await removeBatches();
      expect(await store.batchOperations.find("default", "remembered")).toMatchObject({ state: "completed" });

      await store.batchOperations.forgetCommands(OLD, 100);
      await removeBatches();
      expect(await store.batchOperations.find("default", "remembered")).toBeNull();
      expect(await store.batchOperations.find("default", "young")).not.toBeNull();
    });
  });

  describe("the audit log", () => {
    it("loses its oldest events; the rest is chained as before, and a note says where it begins", async () => {
      const append = (tenant: string, at: number, count: number) =>
        store.audit.append(
          Array.from({ length: count }, (_, index) => auditEntry(tenant, `${at} ${index}`)),
          at,
        );
      for (const tenant of ["acme", "globex"]) {
        await append(tenant, 1_000, 3);
        await append(tenant, OLD, 2);
      }
      await append("young", OLD, 1);
      const logs = new Map([
        ["acme", await logOf("acme")],
        ["globex", await logOf("globex")],
      ]);

      await removeAudit();

      for (const tenant of ["acme", "globex"]) {
        expect(await logOf(tenant)).toEqual(logs.get(tenant)?.slice(3));
      }
      expect(await logOf("young")).toHaveLength(1);
      const anchors = await db.selectFrom("audit_anchor").selectAll().orderBy("tenant").execute();
      expect(anchors).toMatchObject([
        { tenant: "acme", number: 3, hash: logs.get("acme")?.[2]?.hash, removed_at: NOW },
        { tenant: "globex", number: 3, removed_at: NOW },
      ]);
    });

    it("never loses its last event, so that the next one follows it", async () => {
      await store.audit.append([auditEntry("acme", "one"), auditEntry("acme", "two")], 1_000);

      await removeAudit();
      await test.reopen();
      await test.store.audit.append([auditEntry("acme", "three")], NOW);

      const [last, next] = await logOf("acme");
      expect(last).toMatchObject({ number: 2, reason: "two" });
      expect(next).toMatchObject({ number: 3, reason: "three", previous_hash: last?.hash });
    });

    it("loses few events in a step, and all old ones in the end", async () => {
      const entries = Array.from({ length: 2 * ROWS + 5 }, (_, index) => auditEntry("acme", `${index}`));
      await store.audit.append(entries, 1_000);
      await store.audit.append([auditEntry("globex", "one"), auditEntry("globex", "two")], 1_000);

      const steps = await removeAudit();

      // Two full ones and the rest for the one tenant, one for the other, and one that finds nobody.
      expect(steps).toBe(5);
      expect((await logOf("acme")).map(({ number }) => number)).toEqual([2 * ROWS + 5]);
      expect((await logOf("globex")).map(({ number }) => number)).toEqual([2]);
    });

    it("still takes no other removal", async () => {
      await store.audit.append([auditEntry("acme", "one"), auditEntry("acme", "two")], 1_000);

      const removal = db.deleteFrom("audit_event").where("number", "=", 2).execute();

      await expect(removal).rejects.toThrow("the audit log loses its oldest events first");
    });
  });

  it("one process at a time prunes a database", async () => {
    const attempts: boolean[] = [];

    const first = await store.pruning.alone(async () => {
      // Only over PostgreSQL can there be another process.
      if (database.name === "PostgreSQL") attempts.push(await store.pruning.alone(async () => undefined));
    });

    expect(first).toBe(true);
    expect(attempts).toEqual(database.name === "PostgreSQL" ? [false] : []);
    expect(await store.pruning.alone(async () => undefined)).toBe(true);
  });
});
