// A worker of the crash tests: it runs each execution as a process of its own, on the real client library, and tells what it sees.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as passed } from "node:timers/promises";
import {
  type Belay,
  CancellationError,
  createBelay,
  type ExecutionOptions,
  LeaseLostError,
  type RunningExecution,
} from "../../src/client/index.ts";
import { anyOf } from "./any_of.ts";

/** How the work takes a stop: at once, after a while, or not at all, so that it has to be terminated. */
export type Temper = "obedient" | "slow" | "stubborn";

export interface Job {
  readonly id: string;
  readonly execution: ExecutionOptions;
  readonly temper: Temper;
  /** When it ends by itself, in milliseconds; null: never. */
  readonly endsAfter: number | null;
}

/** How the client library told the work's end. */
export type ToldEnd = "completed" | "cancelled" | "lease_lost" | "not_started";

export type WorkerMessage =
  /** The work runs as this process. */
  | { readonly type: "running"; readonly id: string; readonly pid: number }
  | { readonly type: "terminated"; readonly id: string }
  /** No process is left. */
  | { readonly type: "settled"; readonly id: string; readonly told: ToldEnd; readonly words: string };

const SLOWNESS = 250;

const [addresses = "", first = "0", workerId = ""] = process.argv.slice(2);
const transport = anyOf(addresses.split(","), Number(first));
const belay: Belay = createBelay({ address: addresses.split(",")[0] ?? "", transport, workerId });

function tell(message: WorkerMessage): void {
  process.send?.(message);
}

async function run(job: Job): Promise<void> {
  const { id } = job;
  try {
    await belay.run(job.execution, (signal, execution) => work(job, signal, execution));
    tell({ type: "settled", id, told: "completed", words: "" });
  } catch (error) {
    tell({ type: "settled", id, told: toldBy(error), words: String(error) });
  }
}

function toldBy(error: unknown): ToldEnd {
  if (error instanceof CancellationError) return "cancelled";
  return error instanceof LeaseLostError ? "lease_lost" : "not_started";
}

async function work({ id, temper, endsAfter }: Job, signal: AbortSignal, execution: RunningExecution): Promise<void> {
  const child = spawn("sleep", ["3600"], { stdio: "ignore" });
  const exited = once(child, "exit");
  tell({ type: "running", id, pid: child.pid ?? 0 });
  const stop = async (): Promise<void> => {
    if (temper === "stubborn") return;
    if (temper === "slow") await passed(SLOWNESS);
    child.kill("SIGTERM");
  };
  const terminate = (): void => {
    tell({ type: "terminated", id });
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", () => void stop(), { once: true });
  execution.terminateSignal.addEventListener("abort", terminate, { once: true });
  if (signal.aborted) void stop();
  if (execution.terminateSignal.aborted) terminate();
  if (endsAfter !== null) void passed(endsAfter).then(() => child.kill("SIGTERM"));
  await exited;
}

belay.serveListener("clean-up", () => undefined, { lockSeconds: 2 });
process.on("message", (job: Job) => void run(job));
process.on("disconnect", () => process.exit(1));
