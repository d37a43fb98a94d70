/** A SQLite store whose writes have a thread of their own: seen from outside it is the same store. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { AuditCall } from "../../src/store/audit.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Envelope, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { history, play } from "../domain/histories.ts";
import { databaseFile } from "./database_file.ts";
import { openThreaded, type ThreadedStore } from "./threaded_store.ts";

const database = databaseFile();

const PROGRAM = fileURLToPath(new URL("./ending_program.ts", import.meta.url));

const CALL: AuditCall = { action: "CancelProcess", principal: "p", name: "P", address: "::1", requestId: "r-1" };

function keyOfProcess(id: string): ExecutionKey {
  return { tenant: "default", kind: "process", id };
}

function envelope(key: ExecutionKey, command: Command, audit: AuditCall | null = null): Envelope {
  return { key, command, idempotency: null, effectId: null, audit };
}

function registration(id: string): Envelope {
  return envelope(keyOfProcess(id), { type: "register", spec: specWith(), queueItems: [], claim: null });
}

/** One whose thread has taken over, closed after the test. */
async function openReady(): Promise<ThreadedStore> {
  const threaded = await openThreaded(database.path);
  onTestFinished(() => threaded.store.close());
  await threaded.handedOver;
  return threaded;
}

async function isThere(store: Store, id: string): Promise<boolean> {
  return (await store.findExecution(keyOfProcess(id))) !== null;
}

/** `once` would reject with what the thread dies of. */
function exitOf(thread: Worker): Promise<unknown> {
  return new Promise((resolve) => thread.once("exit", resolve));
}

const UNAVAILABLE = { refusal: { reason: "store_unavailable", metadata: { cause: "WRITER_DIED" } } };

describe("what comes back from the thread", () => {
  it("is what comes back without one, whatever the commands are", async () => {
    const { store } = await openReady();
    const inline = await openSqliteStore(join(database.folder, "inline.db"));
    onTestFinished(() => inline.close());
    let histories = 0;

    await fc.assert(
      fc.asyncProperty(history, async (played) => {
        histories += 1;
        const key = { ...play(played, () => undefined).key, id: `e-${histories}` };
        const commands: { readonly command: Command; readonly now: number }[] = [];
        play(played, (_, command, world) => commands.push({ command, now: world.now }));
        for (const { command, now } of commands) {
          const asked = [envelope(key, command, CALL)];
          const [threaded, expected] = [await store.apply(asked, now), await inline.apply(asked, now)];
          expect(threaded).toStrictEqual(expected);
          expect(JSON.stringify(threaded)).toBe(JSON.stringify(expected));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("keeps texts and numbers of every sort, and objects with names of every sort", async () => {
    const { store } = await openReady();
    await store.apply([registration("p-1")], 1_000);
    const [started] = await store.apply(
      [envelope(keyOfProcess("p-1"), { type: "start", claim: { workerId: "w-1", leaseDuration: 5_000 } })],
      1_000,
    );
    const token = started?.execution?.token ?? 0;
    const result = JSON.parse(
      `{"b":1,"a":[1.5e300,5e-324,-1,true,null],"1":"\\ud800 é 🤖 \\u0000\\u2028","__proto__":{"x":1},"":{}}`,
    );

    const [ended] = await store.apply(
      [envelope(keyOfProcess("p-1"), { type: "complete", token, result, outcomeId: null })],
      2_000,
    );

    expect(JSON.stringify(ended?.execution?.result)).toBe(JSON.stringify(result));
    expect(JSON.stringify((await store.findExecution(keyOfProcess("p-1")))?.result)).toBe(JSON.stringify(result));
  });

  it("comes in the order of the commits, also for calls that are under way together", async () => {
    const { store } = await openReady();
    const sequences: number[] = [];

    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const [applied] = await store.apply([registration(`p-${index}`)], 1_000);
        for (const event of applied?.events ?? []) sequences.push(event.sequence);
      }),
    );

    expect(sequences).toEqual(sequences.toSorted((one, other) => one - other));
    expect(sequences.length).toBeGreaterThanOrEqual(50);
  });

  it("is a refusal where the writer refuses, and an error with its name and code where it fails", async () => {
    const { store } = await openReady();
    const batch = { tenant: "default", key: "b-1", principal: "p", operationReference: null };
    const filter = { conditions: [], tags: [], anyOf: [] };
    const idempotency = { principal: "p", method: "Cancel", commandId: "c-1", fingerprint: "f-1" };
    await store.batchOperations.create(batch, filter, idempotency, 1_000, null);

    const refused = store.batchOperations.create(batch, filter, { ...idempotency, fingerprint: "f-2" }, 1_000, null);
    const failed = store.batchOperations.create(batch, filter, null, 1_000, null);

    await expect(refused).rejects.toMatchObject({
      refusal: { reason: "idempotency_key_reused", metadata: { command_id: "c-1" } },
    });
    const { name, message, code, stack } = await failed.catch((error) => error);
    expect([name, code]).toEqual(["SqliteError", "SQLITE_CONSTRAINT_UNIQUE"]);
    expect(message).toMatch(/batch_operation/);
    expect(stack).toMatch(/src\/store\/sqlite/);
  });
});

describe("while the thread takes over", () => {
  it("nothing is lost, doubled or out of order", async () => {
    const { store, handedOver } = await openThreaded(database.path);
    onTestFinished(() => store.close());
    let isOver = false;
    void handedOver.then(() => {
      isOver = true;
    });
    const sequences: number[] = [];
    let count = 0;

    for (let after = 0; after < 20; after += isOver ? 1 : 0) {
      const ids = [count, count + 1].map((number) => `p-${number}`);
      count += 2;
      const applied = await Promise.all(
        ids.map((id) => {
          const cancel = envelope(keyOfProcess(id), cancelWith({ cancellationId: id }), CALL);
          return store.apply([registration(id), cancel], 1_000);
        }),
      );
      for (const { events } of applied.flat()) sequences.push(...events.map(({ sequence }) => sequence));
      await new Promise((turned) => setImmediate(turned));
    }

    expect(sequences).toEqual(Array.from(sequences, (_, index) => index + 1));
    const { events } = await store.audit.list(
      "default",
      { execution: null, principal: "", from: null, to: null, refusedOnly: false },
      Math.max(0, count - 60),
      1_000,
    );
    expect(events.at(-1)?.number).toBe(count);
    for (const [index, event] of events.slice(1).entries()) expect(event.previousHash).toBe(events[index]?.hash);
  });
});

describe("a thread that dies", () => {
  /** Is killed, or fails where nobody catches it. */
  const ENDS: readonly [string, (threaded: ThreadedStore) => unknown][] = [
    ["is killed", ({ thread }) => thread.terminate()],
    ["fails", ({ thread }) => thread.postMessage(null)],
  ];

  it.each(ENDS)("because it %s: calls under way and later ones are refused, and it is not well", async (_, end) => {
    const { store, thread } = await openReady();
    await store.apply([registration("p-1")], 1_000);
    const gone = exitOf(thread);
    const trouble = Promise.withResolvers<void>();
    store.health.onTrouble(trouble.resolve);

    void end({ store, thread, handedOver: gone });
    const underWay = Array.from({ length: 200 }, (_, index) => store.apply([registration(`late-${index}`)], 1_000));
    const outcomes = await Promise.allSettled(underWay);
    await gone;

    const refusals = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refusals.length).toBeGreaterThan(0);
    for (const { reason } of refusals) expect(reason).toMatchObject(UNAVAILABLE);
    await trouble.promise;
    await expect(store.apply([registration("p-2")], 1_000)).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.dropEffect(1)).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.health.check()).rejects.toMatchObject(UNAVAILABLE);
    expect(await isThere(store, "p-1")).toBe(true);
  });

  it("is logged once, with what it died of", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "error" }, { write: (line) => lines.push(line) });
    const { store, thread, handedOver } = await openThreaded(database.path, { logger });
    onTestFinished(() => store.close());
    await handedOver;

    await thread.terminate();
    await expect(store.dropEffect(1)).rejects.toMatchObject(UNAVAILABLE);

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        msg: expect.stringMatching(/thread that writes the store has died/),
        err: expect.objectContaining({ message: expect.stringMatching(/exit code 1/) }),
      }),
    ]);
  });

  it("before it could begin leaves its work to the main thread", async () => {
    const { store, thread } = await openThreaded(database.path);
    onTestFinished(() => store.close());

    await thread.terminate();
    await store.apply([registration("p-1")], 1_000);

    await store.health.check();
    expect(await isThere(store, "p-1")).toBe(true);
  });

  it("leaves the file to the next store", async () => {
    const { store, thread, handedOver } = await openThreaded(database.path);
    await handedOver;
    await store.apply([registration("p-1")], 1_000);
    await thread.terminate();
    await store.close();

    const again = await openReady();

    await again.store.apply([registration("p-2")], 1_000);
    expect([await isThere(again.store, "p-1"), await isThere(again.store, "p-2")]).toEqual([true, true]);
  });
});

describe("closing", () => {
  it("does what was asked before, ends the thread, and refuses what is asked after", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "error" }, { write: (line) => lines.push(line) });
    const { store, thread, handedOver } = await openThreaded(database.path, { logger });
    await handedOver;
    const ended = exitOf(thread);
    const asked = Array.from({ length: 20 }, (_, index) => store.apply([registration(`p-${index}`)], 1_000));

    await store.close();

    await Promise.all(asked);
    expect(await ended).toBe(0);
    await expect(store.dropEffect(1)).rejects.toThrow(/closed/);
    expect(lines).toEqual([]);
    const again = await openSqliteStore(database.path);
    onTestFinished(() => again.close());
    for (let index = 0; index < 20; index += 1) expect(await isThere(again, `p-${index}`)).toBe(true);
  });

  it("before the thread has taken over leaves nothing behind either", async () => {
    const { store, thread } = await openThreaded(database.path);
    const ended = exitOf(thread);
    await store.apply([registration("p-1")], 1_000);

    await store.close();

    expect(await ended).toBe(0);
    const again = await openSqliteStore(database.path);
    onTestFinished(() => again.close());
    expect(await isThere(again, "p-1")).toBe(true);
  });

  it.each([
    ["opens a store and closes it", ["close"]],
    ["leaves it open", []],
    ["waits for what it writes", ["write"]],
    ["writes and closes", ["write", "close"]],
  ])("a program that %s comes to its end", async (_, todo) => {
    const child = spawn(process.execPath, [PROGRAM, database.path, ...todo], { stdio: "inherit" });
    onTestFinished(() => void child.kill("SIGKILL"));

    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
