import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Applied, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";

const KEY = { tenant: "default", kind: "process", id: "p-1" } as const;
const CLAIM = { workerId: "w-1", leaseDuration: 5_000 };

let folder: string;
let store: Store;
let shell: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  store = await openSqliteStore(join(folder, "belay.db"));
  shell = new BetterSqlite3(join(folder, "belay.db"));
  shell.exec("create table named (name text)");
  for (const { name } of shell.pragma("table_info(execution)") as { name: string }[]) {
    // Fires if an update names the column, even if that stays as it is.
    shell.exec(`create trigger named_${name} after update of ${name} on execution
      begin insert into named values ('${name}'); end`);
  }
});

afterEach(async () => {
  shell.close();
  await store.close();
  await rm(folder, { recursive: true });
});

async function apply(command: Command, now: number): Promise<Applied | undefined> {
  const [applied] = await store.apply([{ key: KEY, command, idempotency: null, effectId: null, audit: null }], now);
  return applied;
}

async function register(claim: typeof CLAIM | null): Promise<void> {
  await apply({ type: "register", spec: specWith(), queueItems: [], claim }, 1_000);
}

/** The columns that updates have named, in the order of the alphabet. */
function namedColumns(): unknown[] {
  return shell.prepare("select distinct name from named order by name").pluck().all();
}

describe("an update of an execution names only what differs", () => {
  it("for a heartbeat: the end of the lease", async () => {
    await register(CLAIM);

    await apply({ type: "heartbeat", token: 1 }, 2_000);

    expect(namedColumns()).toEqual(["lease_expires_at"]);
    expect(await store.findExecution(KEY)).toMatchObject({ lease: { expiresAt: 7_000 } });
  });

  it("for a cancel of pending work: the end and the cancellation", async () => {
    await register(null);

    await apply(cancelWith(), 2_000);

    expect(namedColumns()).toEqual([
      "cancellation_id",
      "cancellation_json",
      "cancellation_outcome",
      "cancellation_overdue",
      "cancellation_requested_at",
      "ended_at",
      "live",
      "state",
    ]);
  });

  it("for a step of a cancellation: the cancellation alone", async () => {
    await register(CLAIM);
    await apply(cancelWith(), 2_000);
    shell.exec("delete from named");

    const delivered = await apply({ type: "signal_delivered", cancellationId: "c-1", signal: "stop" }, 3_000);

    expect(namedColumns()).toEqual(["cancellation_json"]);
    expect(await store.findExecution(KEY)).toEqual(delivered?.execution);
  });
});
