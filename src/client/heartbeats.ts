/** Keeps the leases of all claims alive, in one call for all of them. */
import type { Client } from "@connectrpc/connect";
import type { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Claim } from "./claim.ts";
import { refMessage } from "./execution_ref.ts";
import type { Logger } from "./logger.ts";
import { pauseAfter } from "./retry.ts";
import { stopOrderFrom } from "./stop_order.ts";

/** How many heartbeats a lease gets, so that it outlives two lost ones. */
const BEATS_PER_LEASE = 3;
/** The contract's limit of leases in one call. */
const LEASES_PER_CALL = 1000;
/** Bounds of a call's own time limit, in milliseconds. */
const SHORTEST_TIMEOUT = 1_000;
const LONGEST_TIMEOUT = 10_000;

/** Sends heartbeats while there are claims. Owns a timer. */
export class Heartbeats {
  readonly #workerId: string;
  readonly #workers: Client<typeof WorkerService>;
  readonly #logger: Logger;
  readonly #claims: () => readonly Claim[];
  #timer: NodeJS.Timeout | undefined;
  #lastBeat = 0;
  #failures = 0;
  #beating = false;

  /** @param claims the claims whose leases to keep alive, asked for at every beat */
  constructor(workerId: string, workers: Client<typeof WorkerService>, logger: Logger, claims: () => readonly Claim[]) {
    this.#workerId = workerId;
    this.#workers = workers;
    this.#logger = logger;
    this.#claims = claims;
  }

  /** To be called when a claim was added or has gone: sets the time of the next beat, or stops if there are no claims. */
  reschedule(): void {
    clearTimeout(this.#timer);
    if (this.#beating) return;
    const claims = this.#claims();
    if (claims.length === 0) {
      this.#timer = undefined;
      return;
    }
    // A new lease needs no heartbeat yet.
    if (this.#timer === undefined) this.#lastBeat = performance.now();
    const period = periodOf(claims);
    const wait = this.#failures === 0 ? period : Math.min(period, pauseAfter(this.#failures));
    const delay = Math.max(0, this.#lastBeat + wait - performance.now());
    this.#timer = setTimeout(() => void this.#beat(), delay);
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    this.#lastBeat = performance.now();
    const claims = this.#claims();
    try {
      for (let start = 0; start < claims.length; start += LEASES_PER_CALL) {
        await this.#renew(claims.slice(start, start + LEASES_PER_CALL), periodOf(claims));
      }
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#logger.debug(`heartbeat failed: ${error}`);
    }
    this.#beating = false;
    this.reschedule();
  }

  async #renew(claims: readonly Claim[], period: number): Promise<void> {
    const request = {
      workerId: this.#workerId,
      leases: claims.map(({ execution, token }) => ({ execution: refMessage(execution), token })),
    };
    const timeoutMs = Math.min(LONGEST_TIMEOUT, Math.max(SHORTEST_TIMEOUT, period));
    const { leases } = await this.#workers.heartbeat(request, { timeoutMs });
    for (const [index, { signal, cancellation }] of leases.entries()) {
      const order = stopOrderFrom(signal, cancellation);
      if (order !== undefined) claims[index]?.receive(order);
    }
  }
}

/** Milliseconds between two beats: the shortest lease decides. */
function periodOf(claims: readonly Claim[]): number {
  return Math.min(...claims.map(({ leaseSeconds }) => (leaseSeconds * 1000) / BEATS_PER_LEASE));
}
