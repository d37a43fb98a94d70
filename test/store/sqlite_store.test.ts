import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";

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

describe("opening", () => {
  it("makes effects due again that a process had claimed when it died: nobody else can be at them", async () => {
    const claim = { workerId: "w-1", leaseDuration: 5_000 };
    const command: Command = { type: "register", spec: specWith(), queueItems: [], claim };
    const key = { tenant: "default", kind: "process", id: "p-1" } as const;
    await store.apply([{ key, command, idempotency: null, effectId: null, audit: null }], 1_000);
    const claimed = await store.claimEffects(6_000, Date.now() + 30_000, 10);

    await store.close();
    store = await openSqliteStore(path);

    expect(claimed).toHaveLength(1);
    expect(await store.claimEffects(Date.now(), Date.now() + 30_000, 10)).toEqual(claimed);
  });

  it("refuses a file that another store has open, and says so", async () => {
    await expect(openSqliteStore(path)).rejects.toThrow(/another Belay has .* open/);
  });

  it("refuses a folder that is not there, and a file that is no database", async () => {
    await expect(openSqliteStore(join(folder, "nowhere", "belay.db"))).rejects.toThrow(/folder .* does not exist/);
    const text = join(folder, "text.db");
    await writeFile(text, "this is no database, but long enough to be taken for a header of one".repeat(20));
    await expect(openSqliteStore(text)).rejects.toThrow(/can't open the database .*not a database/);
  });

  it("writes ahead, and waits for the disk at every commit", () => {
    const database = new BetterSqlite3(path, { readonly: true });
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    database.close();
  });
});
