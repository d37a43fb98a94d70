/** SQLite files that can't be read or written: a clear error while it lasts, nothing lost that was acknowledged, and on as soon as it can. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Envelope, Store } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";
import { databaseFile } from "./database_file.ts";

const run = promisify(execFile);

const database = databaseFile();

function registration(id: string, detail: Record<string, string> = {}): Envelope {
  const key: ExecutionKey = { tenant: "default", kind: "process", id };
  const command = { type: "register", spec: specWith({ detail }), queueItems: [], claim: null } as const;
  return { key, command, idempotency: null, effectId: null, audit: null };
}

async function register(store: Store, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await store.apply([registration(id)], 1_000);
}

async function isThere(store: Store, id: string): Promise<boolean> {
  return (await store.findExecution({ tenant: "default", kind: "process", id })) !== null;
}

function unavailable(cause: string) {
  return { refusal: { reason: "store_unavailable", metadata: { cause: expect.stringMatching(cause) } } };
}

/** A store that is closed after the test. */
async function openFor(test: string): Promise<Store> {
  const store = await openSqliteStore(test);
  onTestFinished(() => store.close());
  return store;
}

/** Only root may make file systems. */
const canMount = userInfo().uid === 0 && spawnSync("mount", ["--version"]).status === 0;

/** A file system of its own in the test's folder. */
async function mountSmall(): Promise<string> {
  const disk = await mkdtemp(join(database.folder, "disk-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  return disk;
}

// Without root there is no way to make a disk of a few megabytes.
describe.runIf(canMount)("a small disk", () => {
  let disk: string;
  beforeEach(async () => {
    disk = await mountSmall();
  });
  afterEach(() => run("umount", ["--lazy", disk]));

  it("that is full keeps what was acknowledged, refuses the rest, and takes changes again once there is room", async () => {
    const filler = join(disk, "filler");
    await writeFile(filler, Buffer.alloc(512 * 1024));
    let store = await openSqliteStore(join(disk, "belay.db"));
    const acknowledged: string[] = [];
    const large = { text: "x".repeat(20_000) };
    let failure: unknown = null;
    while (failure === null) {
      const id = `p-${acknowledged.length}`;
      failure = await store.apply([registration(id, large)], 1_000).then(
        () => null,
        (error: unknown) => error,
      );
      if (failure === null) acknowledged.push(id);
    }

    expect(failure).toMatchObject(unavailable("SQLITE_FULL|SQLITE_IOERR"));
    for (const id of acknowledged) expect(await isThere(store, id)).toBe(true);
    expect(await isThere(store, `p-${acknowledged.length}`)).toBe(false);

    await rm(filler);
    await store.health.check();
    await register(store, "later");
    await store.close();
    store = await openSqliteStore(join(disk, "belay.db"));
    for (const id of [...acknowledged, "later"]) expect(await isThere(store, id)).toBe(true);
    expect(acknowledged.length).toBeGreaterThan(5);
    await store.close();
  });

  it("that is read-only is no place for a store, and the error says so", async () => {
    await (await openSqliteStore(join(disk, "belay.db"))).close();
    await run("mount", ["-o", "remount,ro", disk]);

    await expect(openSqliteStore(join(disk, "belay.db"))).rejects.toThrow(
      /can't open the database .*belay\.db: .*(readonly|read-only|unable to open)/,
    );
  });
});

/** A process that holds the write lock of the file, until it is ended. */
async function lockElsewhere(): Promise<() => Promise<void>> {
  const script = `
    import BetterSqlite3 from "better-sqlite3";
    new BetterSqlite3(process.argv[1]).exec("begin immediate");
    console.log("locked");
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, database.path], {
    cwd: resolve(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

describe("a file that another process writes into", () => {
  it("can still be read; changes are refused soon, and taken when the other one is done", async () => {
    const store = await openFor(database.path);
    await register(store, "p-1");
    const unlock = await lockElsewhere();

    const refused = register(store, "p-2");

    await expect(refused).rejects.toMatchObject(unavailable("SQLITE_BUSY"));
    await expect(store.health.check()).rejects.toMatchObject(unavailable("SQLITE_BUSY"));
    expect([await isThere(store, "p-1"), await isThere(store, "p-2")]).toEqual([true, false]);
    await unlock();
    await store.health.check();
    await register(store, "p-2");
    expect(await isThere(store, "p-2")).toBe(true);
  });

  it("tells whoever looks after the store that a call failed because of it", async () => {
    const store = await openFor(database.path);
    const told = Promise.withResolvers<void>();
    store.health.onTrouble(told.resolve);
    await lockElsewhere();

    await expect(store.dropEffect(1)).rejects.toMatchObject(unavailable("SQLITE_BUSY"));

    await told.promise;
  });
});

/** What a crash at this moment would leave behind. */
async function copyAsAfterCrash(): Promise<string> {
  const copy = join(database.folder, "copy.db");
  await copyFile(database.path, copy);
  await copyFile(`${database.path}-wal`, `${copy}-wal`);
  return copy;
}

describe("a write-ahead log", () => {
  it("whose last write was cut off is read up to there: nothing that was acknowledged is lost", async () => {
    const store = await openFor(database.path);
    await register(store, "p-1", "p-2");
    const copy = await copyAsAfterCrash();
    const wal = await open(`${copy}-wal`, "a");
    await wal.write(Buffer.alloc(3_000, 0x5a));
    await wal.close();

    const again = await openFor(copy);

    expect([await isThere(again, "p-1"), await isThere(again, "p-2")]).toEqual([true, true]);
  });

  it("whose end the disk has damaged loses that end only, whole transactions of it, and goes on", async () => {
    const store = await openFor(database.path);
    await register(store, "p-1", "p-2", "p-3");
    const copy = await copyAsAfterCrash();
    const { size } = await stat(`${copy}-wal`);
    const wal = await open(`${copy}-wal`, "r+");
    await wal.write(Buffer.alloc(100, 0x5a), 0, 100, size - 200);
    await wal.close();

    const again = await openFor(copy);

    expect([await isThere(again, "p-1"), await isThere(again, "p-2"), await isThere(again, "p-3")]).toEqual([
      true,
      true,
      false,
    ]);
    await register(again, "p-3");
    expect(await isThere(again, "p-3")).toBe(true);
  });
});

describe("a file with damaged pages", () => {
  /** Overwrites all pages from the given one on. */
  async function damage(from: number): Promise<void> {
    const store = await openSqliteStore(database.path);
    await register(store, ...Array.from({ length: 50 }, (_, index) => `p-${index}`));
    await store.close();
    const file = await open(database.path, "r+");
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size - from * 4096, 0x5a), 0, size - from * 4096, from * 4096);
    await file.close();
  }

  it("is not opened if the schema is among them, and the error says what is wrong", async () => {
    await damage(1);

    await expect(openSqliteStore(database.path)).rejects.toThrow(/can't open the database .*: .*malformed/);
  });

  it("is not opened if it is too short", async () => {
    await (await openSqliteStore(database.path)).close();
    await truncate(database.path, 8192);

    await expect(openSqliteStore(database.path)).rejects.toThrow(/can't open the database .*: .*malformed/);
  });

  it("refuses what it can't read as unavailable, and does not show less than there is", async () => {
    const store = await openSqliteStore(database.path);
    await register(store, ...Array.from({ length: 300 }, (_, index) => `p-${index}`));
    await store.close();
    const connection = new BetterSqlite3(database.path);
    const page = connection.prepare<[], { rootpage: number }>(
      "select rootpage from sqlite_schema where name = 'execution_by_id'",
    );
    const from = (page.get()!.rootpage - 1) * 4096;
    connection.close();
    const file = await open(database.path, "r+");
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, from);
    await file.close();

    const again = await openFor(database.path);

    await expect(isThere(again, "p-7")).rejects.toMatchObject(unavailable("SQLITE_CORRUPT"));
    await expect(register(again, "p-1000")).rejects.toMatchObject(unavailable("SQLITE_CORRUPT"));
  });
});

describe("migrations", () => {
  /** Opens the store in a process that is killed when it is about to run its n-th statement. */
  async function openAndDie(statement: number): Promise<NodeJS.Signals | null> {
    const script = `
      import BetterSqlite3 from "better-sqlite3";
      import { openSqliteStore } from "./src/store/sqlite/open.ts";
      const { prepare } = BetterSqlite3.prototype;
      let left = Number(process.argv[2]);
      BetterSqlite3.prototype.prepare = function (...args) {
        left -= 1;
        if (left === 0) process.kill(process.pid, "SIGKILL");
        return prepare.apply(this, args);
      };
      await openSqliteStore(process.argv[1]);
      process.exit(0);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, database.path, String(statement)], {
      cwd: resolve(import.meta.dirname, "../.."),
      stdio: "inherit",
    });
    const [, signal] = await once(child, "exit");
    return signal;
  }

  it.each([8, 20, 35, 50, 65])(
    "that are killed at statement %i are done in full by the next start",
    async (statement) => {
      const signal = await openAndDie(statement);

      const store = await openFor(database.path);

      expect(signal).toBe("SIGKILL");
      await register(store, "p-1");
      expect(await isThere(store, "p-1")).toBe(true);
    },
  );

  it("that this program does not know are left to a newer one", async () => {
    await (await openSqliteStore(database.path)).close();
    const connection = new BetterSqlite3(database.path);
    connection.prepare("insert into kysely_migration values ('9999_future', '2026-01-01T00:00:00.000Z')").run();
    connection.close();

    await expect(openSqliteStore(database.path)).rejects.toThrow(
      /newer than this program, .*9999_future: start a newer Belay/,
    );
  });
});
