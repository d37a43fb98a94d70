/** The client: what a worker author imports. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Claim } from "./claim.ts";
import type { ExecutionOptions } from "./execution_options.ts";
import {
  type ListenerHandler,
  type ListenerWorker,
  type ServeListenerOptions,
  serveListener,
} from "./listener_worker.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { mendedSessions } from "./mended_sessions.ts";
import { runClaimed, type Work } from "./run.ts";
import { showKey } from "./show_key.ts";
import { Worker } from "./worker.ts";

const DEFAULT_ADDRESS = "http://127.0.0.1:8080";

/** A dead connection shows within these two spans together, in milliseconds. */
const PING_INTERVAL = 10_000;
const PING_TIMEOUT = 5_000;

/** How a client reaches Belay, and as whom. */
export interface BelayOptions {
  /**
   * Where Belay listens: an http or https URL. http speaks HTTP/2 without TLS.
   *
   * @default the environment variable BELAY_ADDRESS, or http://127.0.0.1:8080
   */
  readonly address?: string;
  /**
   * The key to show, where the server wants one. A `transport` of your own has to show it itself.
   *
   * @default the environment variable BELAY_API_KEY, or none
   */
  readonly apiKey?: string;
  /**
   * The name under which this client holds leases, unique among running workers. A worker that starts again under its old name gets its
   * unexpired leases back by claiming the same executions.
   *
   * @default the host's name, the process id and a random part
   */
  readonly workerId?: string;
  /**
   * The Connect transport to use: for TLS options, interceptors, or another protocol than gRPC. `address` is then only named in errors.
   *
   * @default gRPC over HTTP/2 to `address`
   */
  readonly transport?: Transport;
  /**
   * Told what the client does: `console` fits, and a pino logger does.
   *
   * @default nothing is logged
   */
  readonly logger?: Logger;
}

/** A connection to Belay. Make one a program with {@link createBelay}, and share it. */
export interface Belay {
  /** The name under which this client holds leases. */
  readonly workerId: string;
  /** The contract's CancellationService: cancel, get, list and watch. */
  readonly cancellations: Client<typeof CancellationService>;
  /** The contract's ExecutionService: register, get, list and watch. */
  readonly executions: Client<typeof ExecutionService>;
  /** The contract's WorkerService, for what the methods below don't cover. */
  readonly workers: Client<typeof WorkerService>;

  /**
   * Runs a function as an execution that Belay can stop.
   *
   * Registers the execution and claims it, calls `work`, and tells Belay how it ended. While it runs, one stream and one heartbeat serve
   * all runs of this client. When the execution is cancelled, the AbortSignal that `work` was given fires:
   *
   * ```ts
   * const belay = createBelay();
   * try {
   *   await belay.run({ kind: "process", id: "import-42" }, async (signal) => {
   *     for (const file of files) {
   *       signal.throwIfAborted();
   *       await importFile(file, { signal });
   *     }
   *     return { imported: files.length };
   *   });
   * } catch (error) {
   *   if (!(error instanceof CancellationError)) throw error;
   *   console.log(`stopped: ${error.cancellation.reason}`);
   * }
   * ```
   *
   * **Stopping.** Cancellation is cooperative: the signal fires, and `work` decides when it is safe to stop. `run` reports the stop to
   * Belay, as the proof that the cancellation waits for, only when the promise of `work` has settled. So `work` must not settle while
   * something that it started still runs, and work that never looks at its signal is never reported as stopped: its cancellation stays
   * visibly overdue. Once the time that the cancellation left has passed, {@link RunningExecution.terminateSignal} fires as well; code in
   * this process can't be killed, but a child process or a worker thread can.
   *
   * **Outcomes.** With no stop in between, the promise resolves with the value of `work`, recorded as the result if it is an object (other
   * values are recorded as `{ value }`), or rejects with what `work` threw, recorded as the error. If the execution was cancelled, it
   * rejects with a {@link CancellationError}, also if `work` finished all the same: whether the cancellation or the result came first is
   * decided by Belay, and a result that comes second is refused. If the lease was lost, it rejects with a {@link LeaseLostError}.
   *
   * **When Belay is away.** Work that runs is left alone: the client reconnects with backoff, signals that it missed come then, and results
   * are delivered until Belay has answered, however long that takes. Only a start needs Belay: without an answer within
   * `startTimeoutSeconds` the work is not started. If the lease ends meanwhile, the worker gets it back as long as nobody has cancelled
   * or taken over the execution; otherwise the signal fires with a {@link LeaseLostError}.
   *
   * @param options the execution to run
   * @param work is called once Belay has granted the lease
   * @throws CancellationError if the execution was cancelled, also before it started
   * @throws LeaseLostError if the execution was cancelled or handed on while this client was away
   * @throws UnreachableError if Belay could not be reached at the start; `work` was not called
   * @throws ClientClosedError if the client was closed before Belay had answered
   * @throws ConnectError if Belay refused to start the execution (the options are invalid, another one has this id, another worker holds
   *   it, it has ended), or to record the result
   * @throws Error if this client runs the execution already
   */
  run<T>(options: ExecutionOptions, work: Work<T>): Promise<T>;

  /**
   * Registers and claims an execution without running anything: for work that is not one async function. The caller obeys the claim's
   * orders, says how the work ended, and releases it.
   *
   * @throws CancellationError, UnreachableError, ClientClosedError, ConnectError and Error as {@link run} does before it calls `work`
   */
  claim(options: ExecutionOptions): Promise<Claim>;

  /**
   * Works on listener jobs of one or more types until it is stopped:
   *
   * ```ts
   * const listener = belay.serveListener("release-phone", async (job, signal) => {
   *   await phones.release(job.execution?.id, { signal });
   * });
   * // … and when the program ends:
   * await listener.stop();
   * ```
   *
   * A cancellation completes only when the jobs of its execution's listeners have been done, one after another, once the work has stopped.
   * A job may come more than once, when a lock ended or an answer was lost, so doing it twice must do no harm.
   *
   * @param types one type, or up to 100
   * @param handler does one job
   */
  serveListener(
    types: string | readonly string[],
    handler: ListenerHandler,
    options?: ServeListenerOptions,
  ): ListenerWorker;

  /**
   * Closes the connection. Runs that have not ended go on without Belay: their leases end, and their promises reject with a
   * {@link ClientClosedError} once their work has settled. An idle client need not be closed for its program to end.
   */
  close(): void;
}

/**
 * Makes a client. It connects when it is first used.
 *
 * @throws TypeError if the address is no http or https URL
 */
export function createBelay(options: BelayOptions = {}): Belay {
  const address = addressOf(options);
  const sessions = mendedSessions(address, { pingIntervalMs: PING_INTERVAL, pingTimeoutMs: PING_TIMEOUT });
  const interceptors = showKey(options.apiKey ?? process.env["BELAY_API_KEY"]);
  const transport =
    options.transport ?? createGrpcTransport({ baseUrl: address, sessionManager: sessions, interceptors });
  const logger = options.logger ?? silentLogger;
  const cancellations = createClient(CancellationService, transport);
  const executions = createClient(ExecutionService, transport);
  const workers = createClient(WorkerService, transport);
  const workerId = options.workerId ?? mintWorkerId();
  const worker = new Worker(workerId, { address, cancellations, executions, workers }, logger);
  return {
    workerId,
    cancellations,
    executions,
    workers,
    async run(execution, work) {
      return await runClaimed(await worker.claim(execution), work, logger);
    },
    async claim(execution) {
      return await worker.claim(execution);
    },
    serveListener(types, handler, listenerOptions = {}) {
      const context = { workerId, workers, logger, closed: worker.closed };
      return serveListener(context, typeof types === "string" ? [types] : types, handler, listenerOptions);
    },
    close() {
      worker.close();
      sessions.abort();
    },
  };
}

function addressOf({ address = process.env["BELAY_ADDRESS"] || DEFAULT_ADDRESS }: BelayOptions): string {
  const { protocol } = URL.parse(address) ?? {};
  if (protocol !== "http:" && protocol !== "https:") {
    throw new TypeError(`"${address}" is no address of Belay: give an http or https URL such as ${DEFAULT_ADDRESS}`);
  }
  return address;
}

function mintWorkerId(): string {
  return `${hostname()}-${process.pid}-${randomBytes(6).toString("hex")}`.slice(-255);
}
