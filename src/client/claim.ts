/** A worker's hold on one execution. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import type { ExecutionService, Lease } from "../../gen/belay/v1/execution_service_pb.ts";
import type { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { type Cancellation, cancellationFrom } from "./cancellation.ts";
import { type ExecutionRef, nameOf, refMessage } from "./execution_ref.ts";
import type { Logger } from "./logger.ts";
import { isRefusedFor } from "./refusal.ts";
import { retry } from "./retry.ts";
import { isStrongerOrder, type StopOrder } from "./stop_order.ts";

/** The contract's limits, in characters. */
const ERROR_TYPE_LENGTH = 255;
const ERROR_MESSAGE_LENGTH = 8192;
const EVIDENCE_LENGTH = 4096;
/** Milliseconds that one attempt to deliver a result may take. */
const ATTEMPT_TIMEOUT = 10_000;

/** Why the work failed. */
export interface WorkError {
  /** A short name of the error that programs compare. */
  readonly type: string;
  /** What happened, for people. */
  readonly message: string;
  /** The step in which it happened, if the work has steps. */
  readonly step?: string;
  /** Anything else worth keeping. */
  readonly details?: JsonObject;
}

/**
 * What Belay says to a result.
 *
 * - `recorded`: the execution has ended with it.
 * - `cancelled`: a cancellation came first, so the result is refused. Stop what is left of the work and call `reportStopped`.
 * - `lease_lost`: the execution was handed to another worker, ended elsewhere, or is not known any more. There is nothing left to report.
 */
export type ResultAnswer = "recorded" | "cancelled" | "lease_lost";

/** What Belay says to a report that the work has stopped. */
export type StopAnswer =
  /** The stop is proven. */
  | { readonly answer: "confirmed"; readonly cancellation: Cancellation | undefined }
  /** The report was for work that has been handed on or has ended: nobody needs the proof. */
  | { readonly answer: "lease_lost" };

/** What a claim stands on. */
export interface ClaimContext {
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
  readonly logger: Logger;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
  readonly onRelease: () => void;
}

/**
 * A worker's hold on one execution, for work that is not one async function: {@link Belay.run} stands on it.
 *
 * Heartbeats keep its lease alive until it is released. Obey the orders of {@link onOrder}; say how the work ended with one of
 * {@link complete}, {@link fail} and {@link reportStopped}; then {@link release} it. The three retry until Belay answers, so a server that
 * is away delays them and loses nothing; repeating them does no harm.
 */
export class Claim {
  readonly execution: ExecutionRef;
  /** The lease's fencing token. */
  readonly token: bigint;
  /** How long the lease lasts without a heartbeat. */
  readonly leaseSeconds: number;
  readonly #context: ClaimContext;
  #order: StopOrder | undefined;
  #listener: ((order: StopOrder) => void) | undefined;

  constructor(execution: ExecutionRef, lease: Lease, context: ClaimContext) {
    this.execution = execution;
    this.token = lease.token;
    this.leaseSeconds = lease.leaseSeconds;
    this.#context = context;
  }

  /** The strongest order received so far. */
  get order(): StopOrder | undefined {
    return this.#order;
  }

  /**
   * Calls `listener` with each order that asks for more than the one before: at once if one has come already, at most three times in all.
   * There is one listener; a second replaces the first.
   */
  onOrder(listener: (order: StopOrder) => void): void {
    this.#listener = listener;
    if (this.#order !== undefined) listener(this.#order);
  }

  /** Takes an order from Belay. Orders come more than once, and by two ways; only a stronger one is news. */
  receive(order: StopOrder): void {
    if (!isStrongerOrder(order, this.#order)) return;
    this.#order = order;
    this.#context.logger.debug(`${order.signal} for ${nameOf(this.execution)}`);
    this.#listener?.(order);
  }

  /**
   * Records that the work finished with a result.
   *
   * @param result kept with the execution
   * @param options `outcomeId`: the outcome of an assessment; `signal`: gives up, and rejects with its reason
   * @throws ConnectError if Belay refuses the call itself, for example because the result is too large
   * @throws ClientClosedError
   */
  async complete(
    result?: JsonObject,
    options: { readonly outcomeId?: string; readonly signal?: AbortSignal } = {},
  ): Promise<ResultAnswer> {
    const request = {
      ...this.#lease(),
      ...(result !== undefined && { result }),
      ...(options.outcomeId !== undefined && { outcomeId: options.outcomeId }),
    };
    return await this.#deliverResult(
      (call) => this.#context.executions.completeExecution(request, call),
      options.signal,
    );
  }

  /**
   * Records that the work finished with an error. Texts longer than the contract allows are cut.
   *
   * @param options `signal`: gives up, and rejects with its reason
   * @throws ConnectError if Belay refuses the call itself
   * @throws ClientClosedError
   */
  async fail(error: WorkError, options: { readonly signal?: AbortSignal } = {}): Promise<ResultAnswer> {
    const request = {
      ...this.#lease(),
      error: {
        type: cut(error.type, ERROR_TYPE_LENGTH),
        message: cut(error.message, ERROR_MESSAGE_LENGTH),
        step: cut(error.step ?? "", ERROR_TYPE_LENGTH),
        details: error.details ?? {},
      },
    };
    return await this.#deliverResult((call) => this.#context.executions.failExecution(request, call), options.signal);
  }

  /**
   * Reports that the work has stopped because it was told to: the proof that its cancellation waits for. Report only what was seen.
   *
   * @param evidence what was seen, for the timeline: for example "exit code 143, process group gone"
   * @param options `signal`: gives up, and rejects with its reason
   * @throws ConnectError if Belay refuses the call itself, also if no cancellation was asked for
   * @throws ClientClosedError
   */
  async reportStopped(evidence: string, options: { readonly signal?: AbortSignal } = {}): Promise<StopAnswer> {
    const request = { ...this.#lease(), evidence: cut(evidence, EVIDENCE_LENGTH) };
    try {
      const { execution } = await this.#deliver(
        (call) => this.#context.workers.reportStopped(request, call),
        options.signal,
      );
      const cancellation = execution?.cancellation;
      return { answer: "confirmed", cancellation: cancellation && cancellationFrom(cancellation) };
    } catch (error) {
      if (isHandedOn(error)) return { answer: "lease_lost" };
      throw error;
    }
  }

  /** Ends the heartbeats. Without a result or report before it, Belay sees the lease end. */
  release(): void {
    this.#context.onRelease();
  }

  #lease(): { execution: ReturnType<typeof refMessage>; token: bigint } {
    return { execution: refMessage(this.execution), token: this.token };
  }

  async #deliverResult(send: Send<unknown>, signal: AbortSignal | undefined): Promise<ResultAnswer> {
    try {
      await this.#deliver(send, signal);
      return "recorded";
    } catch (error) {
      if (isRefusedFor(error, "CANCELLATION_UNDER_WAY", "ALREADY_CANCELLED")) return "cancelled";
      if (isHandedOn(error)) return "lease_lost";
      throw error;
    }
  }

  async #deliver<T>(send: Send<T>, givenUp: AbortSignal | undefined): Promise<T> {
    const { closed, logger } = this.#context;
    const signal = givenUp === undefined ? closed : AbortSignal.any([closed, givenUp]);
    return await retry(
      () => send({ timeoutMs: ATTEMPT_TIMEOUT, signal }),
      signal,
      (error) => logger.debug(`Belay has not heard yet how ${nameOf(this.execution)} ended: ${error}`),
    );
  }
}

type Send<T> = (call: CallOptions) => Promise<T>;

function isHandedOn(error: unknown): boolean {
  return isRefusedFor(error, "STALE_TOKEN", "LEASE_HELD", "ALREADY_FINISHED", "EXECUTION_NOT_FOUND");
}

/** Protobuf takes no half characters, neither from the caller nor from the cut. */
function cut(text: string, length: number): string {
  return (text.length <= length ? text : `${text.slice(0, length - 1)}…`).toWellFormed();
}
