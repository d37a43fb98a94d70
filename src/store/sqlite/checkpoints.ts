/** The checkpoint thread, seen from the one that has started it. */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { ThreadLogger } from "./running_thread.ts";

/** Beside this file, in the sources as in the published package. */
const PROGRAM = new URL(`./checkpoint_thread${extname(import.meta.filename)}`, import.meta.url);

export interface Checkpoints {
  /** Resolves when the thread has ended. */
  close(): Promise<void>;
}

/** Starts the thread. Without it, the writer does all of its work. */
export function startCheckpoints(path: string, logger: ThreadLogger | null): Checkpoints {
  const worker = new Worker(PROGRAM, { name: "belay checkpoints", workerData: { path } });
  const ended = Promise.withResolvers<void>();
  worker.on("exit", () => ended.resolve());
  worker.on("error", (error) =>
    logger?.error({ err: error }, "the checkpoint thread has died: writes may have to wait longer"),
  );
  worker.unref();
  return {
    close: async () => {
      worker.postMessage(null);
      worker.ref();
      await ended.promise;
    },
  };
}
