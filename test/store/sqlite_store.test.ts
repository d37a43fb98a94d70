import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { ExecutionFilter, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";

let folder: string;
let path: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  path = join(folder, "belay.db");
  store = await openSqliteStore(path);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function processKey(id: string): ExecutionKey {
  return { tenant: "default", kind: "process", id };
}

function envelope(key: ExecutionKey, command: Command) {
  return { key, command, idempotency: null, effectId: null };
}

function register(labels: Record<string, string> = {}): Command {
  return { type: "register", spec: specWith({ labels }), queueItems: [], claim: null };
}

const ALL: ExecutionFilter = {
  kind: "process",
  states: [],
  labels: {},
  parent: null,
  createdAfter: null,
  createdBefore: null,
  workflowId: null,
};

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

  it("that a process had claimed when it died are due again after a restart", async () => {
    const key = processKey("p-1");
    await store.apply([envelope(key, { ...registerWith({ workerId: "w-1", leaseDuration: 5_000 }) })], 1_000);
    const claimed = await store.claimEffects(6_000, Date.now() + 3_600_000, 10);
    await store.close();
    store = await openSqliteStore(path);
    expect(await store.claimEffects(Date.now(), Date.now() + 30_000, 10)).toEqual(claimed);
  });
});

function registerWith(claim: { workerId: string; leaseDuration: number }): Command {
  return { type: "register", spec: specWith(), queueItems: [], claim };
}

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
    const { items } = await store.listExecutions("default", { ...ALL, ...filter }, { size, token: "" });
    return items.map(({ key }) => key.id);
  }

  it("show the newest first, page by page, each execution once", async () => {
    const seen: string[] = [];
    let token = "";
    do {
      const page = await store.listExecutions("default", ALL, { size: 2, token });
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
    const { items } = await store.listExecutions("stranger", ALL, { size: 100, token: "" });
    expect(items).toEqual([]);
  });

  it("refuse a page token of another list, and one that is nonsense", async () => {
    const { nextPageToken } = await store.listExecutions("default", ALL, { size: 1, token: "" });
    const other = store.listExecutions("default", { ...ALL, states: ["pending"] }, { size: 1, token: nextPageToken });
    await expect(other).rejects.toMatchObject({ refusal: { reason: "invalid_page_token" } });
    const nonsense = store.listExecutions("default", ALL, { size: 1, token: "%%%" });
    await expect(nonsense).rejects.toMatchObject({ refusal: { reason: "invalid_page_token" } });
  });
});

describe("opening", () => {
  it("refuses a file that another store has open, and says so", async () => {
    await expect(openSqliteStore(path)).rejects.toThrow(/another Belay has .* open/);
  });

  it("refuses a folder that is not there, and a file that is no database", async () => {
    await expect(openSqliteStore(join(folder, "nowhere", "belay.db"))).rejects.toThrow(/folder .* does not exist/);
    const text = join(folder, "text.db");
    const { writeFile } = await import("node:fs/promises");
    await writeFile(text, "this is no database, but long enough to be taken for a header of one".repeat(20));
    await expect(openSqliteStore(text)).rejects.toThrow(/can't open the database .*not a database/);
  });

  it("writes ahead, and waits for the disk at every commit", () => {
    const database = new BetterSqlite3(path, { readonly: true });
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    database.close();
  });
});
