/** The writer's thread, seen from the one that has started it. */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { Refused, refusal } from "../../domain/refusal.ts";
import { errorOfData } from "./crossing_error.ts";
import {
  type Outcome,
  READY,
  type ThreadOptions,
  type WriterAnswer,
  type WriterCall,
  type WriterFunction,
} from "./writer_messages.ts";

/** Beside this file, in the sources as in the published package. */
const PROGRAM = new URL(`./writer_thread${extname(import.meta.filename)}`, import.meta.url);

/** Told when a thread ends that nobody has told to. */
export type ThreadLogger = Pick<Logger, "error">;

interface Pending {
  readonly id: number;
  readonly settle: (outcome: string) => void;
  readonly reject: (error: Error) => void;
}

/** Keeps the process alive only while a call is under way. */
export class RunningThread {
  readonly #worker: Worker;
  readonly #logger: ThreadLogger | null;
  // There are few. The tables that a Map leaves behind as they come and go would keep what was answered until the whole heap is collected.
  readonly #pending: Pending[] = [];
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #lastId = READY;
  #isReady = false;
  #closing: Promise<void> | null = null;
  /** True once it was told to close the connection. */
  #isEnding = false;
  /** What has ended the thread before it had done that. */
  #failure: Error | null = null;
  #onIdle = (): void => undefined;

  constructor(options: ThreadOptions, logger: ThreadLogger | null) {
    this.#logger = logger;
    this.#worker = new Worker(PROGRAM, { name: "belay writer", workerData: options });
    this.#worker.on("message", ({ id, outcome }: WriterAnswer) => this.#settle(id, outcome));
    let cause: Error | null = null;
    this.#worker.on("error", (thrown) => {
      cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    });
    // Comes last in any case, after all answers that were given before.
    this.#worker.on("exit", (code) => {
      this.#ended.resolve();
      this.#lose(cause ?? new Error(`the thread ended with exit code ${code}`));
    });
    // Last: whoever begins to listen keeps the process alive.
    this.#worker.unref();
  }

  /** True from the moment at which it can take calls, for good. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Has a function of the writer carried out. Refused as `store_unavailable` if the thread dies, or is dead. */
  call<Result>(name: WriterFunction, args: readonly unknown[]): Promise<Result> {
    if (this.#closing !== null) return Promise.reject(new Error("the store is closed"));
    if (this.#failure !== null) return Promise.reject(unavailable("nothing was changed", this.#failure));
    return this.#call(name, args);
  }

  /** Resolves when all that was called is done, and the thread has ended. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#worker.ref();
    await this.#started.promise;
    if (this.#pending.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    if (this.#failure === null) {
      this.#isEnding = true;
      await this.#call("connection.close", []);
    }
    await this.#ended.promise;
  }

  #call<Result>(name: WriterFunction, args: readonly unknown[]): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const call: WriterCall = { id, name, args: JSON.stringify(args) };
    if (this.#pending.length === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      const settle = (text: string): void => {
        const { result, error }: Outcome<Result> = JSON.parse(text);
        if (error === null) resolve(result);
        else reject(errorOfData(error));
      };
      this.#pending.push({ id, settle, reject });
      this.#worker.postMessage(call);
    });
  }

  #settle(id: number, outcome: string): void {
    if (id === READY) {
      this.#isReady = true;
      this.#started.resolve();
      return;
    }
    const index = this.#pending.findIndex((pending) => pending.id === id);
    const [pending] = index < 0 ? [] : this.#pending.splice(index, 1);
    if (pending === undefined) throw new Error(`the writer's thread answered call ${id}, which is not under way`);
    pending.settle(outcome);
    if (this.#pending.length > 0) return;
    // Whoever closes waits for the end of the thread.
    if (this.#closing === null) this.#worker.unref();
    this.#onIdle();
  }

  /** The thread is at its end. */
  #lose(error: Error): void {
    const isTold = this.#isEnding && this.#pending.length === 0;
    if (isTold || this.#failure !== null) return;
    this.#failure = error;
    this.#logger?.error({ err: error }, this.#isReady ? LOST : NOT_STARTED);
    const lost = unavailable("it is not known whether anything was changed", error);
    for (const { reject } of this.#pending.splice(0)) reject(lost);
    this.#started.resolve();
    this.#onIdle();
  }
}

const LOST = "the thread that writes the store has died: nothing can be written until the server is started again";
const NOT_STARTED =
  "the thread that writes the store can't be started: the main thread does its work, and calls wait for it";

function unavailable(consequence: string, cause: Error): Refused {
  const message = `the store can't be written until the server is started again; ${consequence}`;
  return new Refused(refusal("store_unavailable", message, { cause: "WRITER_DIED" }), { cause });
}
