/** The built-in engine: workers that are connected to Belay, and told by orders on their streams. */
import type { EngineStatus } from "../domain/command.ts";
import type { Execution } from "../domain/execution.ts";
import { type StopOrder, signalFor } from "../domain/signal.ts";
import type { Delivery, Engine } from "./engine.ts";

/** Takes an order to an attached worker. */
export type Deliver = (order: StopOrder) => void;

const WORKER_ENGINE = "worker";

export class WorkerEngine implements Engine {
  readonly name = WORKER_ENGINE;
  /** The open streams of each worker. Normally one; two while a worker reconnects. */
  readonly #streams = new Map<string, Set<Deliver>>();

  /** Sends the worker's orders to `deliver` until the returned function is called. */
  attach(tenant: string, workerId: string, deliver: Deliver): () => void {
    const id = streamId(tenant, workerId);
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams.add(deliver));
    return () => {
      streams.delete(deliver);
      if (streams.size === 0 && this.#streams.get(id) === streams) this.#streams.delete(id);
    };
  }

  /** True if the worker has a stream to this process. */
  isAttached(tenant: string, workerId: string): boolean {
    return this.#streams.has(streamId(tenant, workerId));
  }

  /** The worker's own report is the proof, or the end of its lease; until then the work runs as far as anybody knows. */
  async describe(execution: Execution): Promise<EngineStatus> {
    const { key, lease } = execution;
    if (lease === null) return { status: "unknown", detail: "no worker ever held it" };
    const attached = this.isAttached(key.tenant, lease.workerId) ? "is attached" : "is not attached";
    return { status: "running", detail: `worker ${lease.workerId} ${attached} and has not reported a stop` };
  }

  async requestStop(execution: Execution): Promise<Delivery> {
    return this.#order(execution);
  }

  async terminate(execution: Execution): Promise<Delivery> {
    return this.#order(execution);
  }

  /** Orders what the execution's state asks for now: after an escalation, a late stop request is a terminate. */
  #order(execution: Execution): Delivery {
    const { key, lease } = execution;
    if (lease === null) return { type: "refused", message: "no worker ever held it" };
    const signal = signalFor(execution, lease.token);
    const streams = this.#streams.get(streamId(key.tenant, lease.workerId));
    if (signal === "none" || streams === undefined) {
      return {
        type: "unreachable",
        message: `worker ${lease.workerId} is not attached; it is told when it attaches, or by its next heartbeat`,
      };
    }
    for (const deliver of streams) deliver({ execution, token: lease.token, signal });
    return { type: "delivered" };
  }
}

function streamId(tenant: string, workerId: string): string {
  return `${tenant}\u0000${workerId}`;
}
