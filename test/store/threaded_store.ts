/** A SQLite store whose writes have a thread of their own, and that thread. */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { openSqliteStore, type SqliteOptions } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";

export interface ThreadedStore {
  readonly store: Store;
  readonly thread: Worker;
  /** Resolves when the thread writes, and no longer the thread of the test. */
  readonly handedOver: Promise<unknown>;
}

/** For the caller to close. */
export async function openThreaded(path: string, options: SqliteOptions = {}): Promise<ThreadedStore> {
  const { promise: started, resolve } = Promise.withResolvers<Worker>();
  process.once("worker", resolve);
  const store = await openSqliteStore(path, { ...options, thread: true });
  const thread = await started;
  const handedOver = once(thread, "message");
  // To listen keeps the process alive, which is none of the store's doing.
  thread.unref();
  return { store, thread, handedOver };
}
