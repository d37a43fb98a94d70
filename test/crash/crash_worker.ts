/** A worker process of the crash tests, and what it tells. It and the processes of its work are one group, which can die at once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Job, WorkerMessage } from "./worker_program.ts";

export interface CrashWorker {
  readonly id: string;
  run(job: Job): void;
  /** SIGKILL for the worker and all that it runs. */
  kill(): Promise<void>;
}

const PROGRAM = resolve(import.meta.dirname, "worker_program.ts");

/** @param onMessage told what it tells */
export function startCrashWorker(
  urls: readonly string[],
  number: number,
  onMessage: (message: WorkerMessage) => void,
): CrashWorker {
  const id = `crash-worker-${process.pid}-${number}`;
  const child = spawn(process.execPath, [PROGRAM, urls.join(","), String(number), id], {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env["PATH"] },
  });
  const exited = once(child, "exit");
  child.on("message", onMessage);
  const killGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      // Nobody of it is left.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  };
  process.once("exit", killGroup);
  return {
    id,
    run: (job) => {
      if (child.connected) child.send(job, () => undefined);
    },
    async kill() {
      killGroup();
      await exited;
      process.off("exit", killGroup);
    },
  };
}
