/** The workers of a crash test: several processes, some of which die and are replaced. */
import type { ExecutionOptions } from "../../src/client/index.ts";
import type { Random } from "../fuzz/random.ts";
import { type CrashWorker, startCrashWorker } from "./crash_worker.ts";
import { isRunning } from "./live_process.ts";
import { newTold, type Told } from "./told.ts";
import type { Temper, WorkerMessage } from "./worker_program.ts";

export interface JobRequest {
  readonly execution: ExecutionOptions & { readonly id: string };
  readonly temper: Temper;
  readonly endsAfter: number | null;
}

export class Crew {
  readonly #urls: readonly string[];
  readonly #random: Random;
  readonly #workers: CrashWorker[] = [];
  readonly #told = new Map<string, Told>();
  /** What was told that can't be. */
  readonly findings: string[] = [];
  #started = 0;

  constructor(urls: readonly string[], random: Random, size: number) {
    this.#urls = urls;
    this.#random = random;
    for (let count = 0; count < size; count += 1) this.#add();
  }

  /** Gives an execution to one of the workers. */
  run({ execution, temper, endsAfter }: JobRequest): Told {
    const worker = this.#random.pick(this.#workers);
    const told = newTold(execution.kind, execution.id, worker.id);
    this.#told.set(told.id, told);
    worker.run({ id: told.id, execution, temper, endsAfter });
    return told;
  }

  /** Kills one of the workers with all that it runs, and puts another in its place. */
  async killOne(): Promise<void> {
    const worker = this.#random.pick(this.#workers);
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#add();
    await worker.kill();
    for (const told of this.#told.values()) {
      if (told.workerId !== worker.id || told.end !== null) continue;
      told.hasDied = true;
      told.started.resolve();
      told.settled.resolve();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
  }

  #add(): void {
    this.#started += 1;
    this.#workers.push(startCrashWorker(this.#urls, this.#started, (message) => this.#hear(message)));
  }

  #hear(message: WorkerMessage): void {
    const told = this.#told.get(message.id);
    if (told === undefined) return;
    switch (message.type) {
      case "running":
        told.pid = message.pid;
        told.started.resolve();
        return;
      case "terminated":
        told.terminations += 1;
        return;
      case "settled":
        told.end = { told: message.told, words: message.words };
        if (told.pid !== null && isRunning(told.pid))
          this.findings.push(`${told.id} runs on after its worker saw its end`);
        told.started.resolve();
        told.settled.resolve();
        return;
    }
  }
}
