import { once } from "node:events";
import { stat } from "node:fs/promises";
import type { Worker } from "node:worker_threads";
import { expect, it, onTestFinished } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Envelope, Store } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";
import { databaseFile } from "./database_file.ts";

const database = databaseFile();

/** A store with its threads, and the one of them that makes checkpoints. */
async function open(): Promise<{ store: Store; checkpoints: Worker }> {
  const threads: Worker[] = [];
  const note = (thread: Worker): number => threads.push(thread);
  process.on("worker", note);
  onTestFinished(() => void process.off("worker", note));
  const store = await openSqliteStore(database.path, { thread: true });
  await expect.poll(() => threads).toHaveLength(2);
  const [, checkpoints] = threads;
  if (checkpoints === undefined) throw new Error("there is no second thread");
  return { store, checkpoints };
}

const DETAIL = { text: "x".repeat(4_000) };
const KILOBYTES = 400;

/** A hundred executions of four kilobytes: far less than what makes the writer copy anything. */
function registrations(): Envelope[] {
  return Array.from({ length: KILOBYTES / 4 }, (_, index) => ({
    key: { tenant: "default", kind: "process", id: `p-${index}` },
    command: { type: "register", spec: specWith({ detail: DETAIL }), queueItems: [], claim: null },
    idempotency: null,
    effectId: null,
    audit: null,
  }));
}

it("copy what was committed into the database while the server runs", async () => {
  const { store } = await open();
  await store.apply(registrations(), 0);
  await expect.poll(async () => (await stat(database.path)).size).toBeGreaterThan(KILOBYTES * 1_000);
  await store.close();
});

it("are made by the writer alone if their thread has died", async () => {
  const { store, checkpoints } = await open();
  await checkpoints.terminate();
  const [applied] = await store.apply(registrations(), 0);
  expect(applied?.reply.accepted).toBe(true);
  await store.close();
  expect((await stat(database.path)).size).toBeGreaterThan(KILOBYTES * 1_000);
});

it("end with the store", async () => {
  const { store, checkpoints } = await open();
  const ended = once(checkpoints, "exit");
  await store.close();
  expect(await ended).toEqual([0]);
});
