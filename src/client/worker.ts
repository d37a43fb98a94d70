/** One worker: all its claims share one stream of orders and one heartbeat. */
import { randomUUID } from "node:crypto";
import type { Client } from "@connectrpc/connect";
import type { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { ExecutionService, Lease } from "../../gen/belay/v1/execution_service_pb.ts";
import type { StopOrder as StopOrderMessage, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { attachLoop } from "./attach_loop.ts";
import { cancellationFrom } from "./cancellation.ts";
import { Claim } from "./claim.ts";
import { CancellationError, ClientClosedError, UnreachableError } from "./errors.ts";
import { type ExecutionOptions, executionRefOf, registerRequest } from "./execution_options.ts";
import { type ExecutionRef, nameOf, refKey, refMessage } from "./execution_ref.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { Logger } from "./logger.ts";
import { isRefusedFor, refusalOf } from "./refusal.ts";
import { retry } from "./retry.ts";
import { stopOrderFrom } from "./stop_order.ts";

const DEFAULT_START_TIMEOUT_SECONDS = 5;

/** What a worker talks to. */
export interface Services {
  readonly address: string;
  readonly cancellations: Client<typeof CancellationService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
}

/** The place of an execution in the worker, taken before Belay is asked for it. */
interface Seat {
  /** Undefined until the lease is granted. */
  claim: Claim | undefined;
  /** Orders that overtook the answer which grants the lease. */
  readonly early: StopOrderMessage[];
}

/** Holds claims, and brings each its orders. Owns the stream and the heartbeat timer, and gives both up when the last claim goes. */
export class Worker {
  readonly id: string;
  readonly #services: Services;
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  readonly #seats = new Map<string, Seat>();
  readonly #heartbeats: Heartbeats;
  #attachment: AbortController | undefined;

  constructor(id: string, services: Services, logger: Logger) {
    this.id = id;
    this.#services = services;
    this.#logger = logger;
    this.#heartbeats = new Heartbeats(id, services.workers, logger, () => this.#claims());
  }

  /** Aborts when the worker is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** See {@link Belay.claim}. */
  async claim(options: ExecutionOptions): Promise<Claim> {
    this.closed.throwIfAborted();
    const ref = executionRefOf(options);
    const key = refKey(refMessage(ref));
    if (this.#seats.has(key)) throw new Error(`${nameOf(ref)} is being run by this client already`);
    const seat: Seat = { claim: undefined, early: [] };
    this.#seats.set(key, seat);
    try {
      const lease = await this.#start(ref, options);
      const claim = new Claim(ref, lease, {
        executions: this.#services.executions,
        workers: this.#services.workers,
        logger: this.#logger,
        closed: this.closed,
        onRelease: () => this.#leave(key, seat),
      });
      this.#logger.debug(`running ${nameOf(ref)}`);
      seat.claim = claim;
      for (const order of seat.early) deliver(order, claim);
      this.#attach();
      this.#heartbeats.reschedule();
      return claim;
    } catch (error) {
      this.#leave(key, seat);
      throw error;
    }
  }

  /** Gives up all claims and everything that is being retried for them. */
  close(): void {
    this.#closed.abort(new ClientClosedError());
    this.#seats.clear();
    this.#settle();
  }

  #claims(): Claim[] {
    return Array.from(this.#seats.values(), ({ claim }) => claim).filter((claim) => claim !== undefined);
  }

  #leave(key: string, seat: Seat): void {
    if (this.#seats.get(key) === seat) this.#seats.delete(key);
    this.#settle();
  }

  /** With nothing left to hold, an idle worker must not keep its program from ending. */
  #settle(): void {
    this.#heartbeats.reschedule();
    if (this.#claims().length > 0) return;
    this.#attachment?.abort();
    this.#attachment = undefined;
  }

  #attach(): void {
    if (this.#attachment !== undefined) return;
    const attachment = new AbortController();
    this.#attachment = attachment;
    void attachLoop({
      workerId: this.id,
      workers: this.#services.workers,
      logger: this.#logger,
      onOrder: (order) => this.#receive(order),
      signal: attachment.signal,
    });
  }

  #receive(order: StopOrderMessage): void {
    const seat = order.execution && this.#seats.get(refKey(order.execution));
    if (seat?.claim !== undefined) deliver(order, seat.claim);
    else seat?.early.push(order);
  }

  async #start(ref: ExecutionRef, options: ExecutionOptions): Promise<Lease> {
    const seconds = options.startTimeoutSeconds ?? DEFAULT_START_TIMEOUT_SECONDS;
    const timeout = AbortSignal.timeout(seconds * 1000);
    const signal = AbortSignal.any([this.closed, timeout]);
    let lastFailure: unknown;
    // A repeated attempt gets the lease of the one whose answer was lost, also if the execution has been cancelled in between.
    const headers = { "idempotency-key": randomUUID() };
    const call = async (): Promise<{ lease?: Lease | undefined }> => {
      if (options.registered !== true) {
        const request = registerRequest(ref, options, this.id);
        return await this.#services.executions.registerExecution(request, { signal, headers });
      }
      const claim = { workerId: this.id, leaseSeconds: options.leaseSeconds ?? 0 };
      return await this.#services.workers.startExecution({ execution: refMessage(ref), claim }, { signal, headers });
    };
    try {
      const { lease } = await retry(call, signal, (error) => {
        lastFailure = error;
      });
      if (lease === undefined) throw new Error(`Belay started ${nameOf(ref)} without a lease`);
      return lease;
    } catch (error) {
      const isTimeout = timeout.aborted && error === timeout.reason;
      throw isTimeout
        ? new UnreachableError(this.#services.address, seconds, lastFailure)
        : await this.#cancelledBefore(ref, error);
    }
  }

  /** The error that says how `ref` was cancelled before it started; `error` itself if that is not what it says. */
  async #cancelledBefore(ref: ExecutionRef, error: unknown): Promise<unknown> {
    if (!isRefusedFor(error, "CANCELLATION_UNDER_WAY", "ALREADY_CANCELLED")) return error;
    const cancellationId = refusalOf(error).metadata["cancellation_id"];
    if (cancellationId === undefined || cancellationId === "") return error;
    const { cancellation } = await this.#services.cancellations.getCancellation({ cancellationId });
    return cancellation === undefined
      ? error
      : new CancellationError(ref, cancellationFrom(cancellation), { cause: error });
  }
}

function deliver({ token, signal, cancellation }: StopOrderMessage, claim: Claim): void {
  // An order for an earlier lease is for work that is not here any more.
  if (token !== claim.token) return;
  const order = stopOrderFrom(signal, cancellation);
  if (order !== undefined) claim.receive(order);
}
