/** What an attached worker is told: that it is attached, the orders it may have missed, then each order as it comes. */
import { type StopOrder, signalFor } from "../domain/signal.ts";
import { type Backlog, Channel } from "./channel.ts";
import type { Context } from "./context.ts";
import type { KeepAlives } from "./keep_alives.ts";
import type { WorkerMessage } from "./service.ts";

/** All that one worker runs may be cancelled in one stroke, and its orders come in one burst. */
const BACKLOG: Backlog<WorkerMessage> = { items: 10_000, bytes: 16 * 1024 * 1024, bytesOf };

export interface Attaching {
  readonly tenant: string;
  readonly workerId: string;
  /** Aborts when the worker has left. */
  readonly signal: AbortSignal;
}

/** Begins with the first message that is asked for. Thousands are idle most of the time, so one holds as little as it can. */
export class Attachment implements AsyncIterableIterator<WorkerMessage> {
  readonly #context: Context;
  readonly #keepAlives: KeepAlives;
  readonly #worker: Attaching;
  readonly #channel = new Channel(BACKLOG);
  /** Null once it has been told. */
  #beginning: AsyncIterator<WorkerMessage> | null = null;
  #detach: (() => void) | null = null;
  #letGo: (() => void) | null = null;

  constructor(context: Context, keepAlives: KeepAlives, worker: Attaching) {
    this.#context = context;
    this.#keepAlives = keepAlives;
    this.#worker = worker;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WorkerMessage>> {
    if (this.#detach === null) this.#begin();
    return this.#beginning === null ? this.#channel.next() : this.#nextOf(this.#beginning);
  }

  async return(): Promise<IteratorResult<WorkerMessage>> {
    this.#end();
    await this.#beginning?.return?.();
    return this.#channel.return();
  }

  #begin(): void {
    const { tenant, workerId, signal } = this.#worker;
    this.#detach = this.#context.workers.attach(tenant, workerId, (order) => this.#push({ type: "stop_order", order }));
    this.#letGo = this.#keepAlives.add(() => this.#push({ type: "attached" }));
    this.#beginning = beginningOf(this.#context, this.#worker);
    signal.addEventListener("abort", this.#end, { once: true });
    if (signal.aborted) this.#end();
  }

  #push(message: WorkerMessage): void {
    this.#channel.push(message);
    // It closes when the worker reads too slowly.
    if (this.#channel.isClosed) this.#end();
  }

  async #nextOf(beginning: AsyncIterator<WorkerMessage>): Promise<IteratorResult<WorkerMessage>> {
    try {
      const part = await beginning.next();
      if (part.done !== true) return part;
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#beginning = null;
    return await this.#channel.next();
  }

  readonly #end = (): void => {
    this.#detach?.();
    this.#letGo?.();
    this.#worker.signal.removeEventListener("abort", this.#end);
    this.#channel.close();
  };
}

async function* beginningOf(context: Context, { tenant, workerId }: Attaching): AsyncGenerator<WorkerMessage> {
  yield { type: "attached" };
  for (const order of await pendingOrders(context, tenant, workerId)) {
    yield { type: "stop_order", order };
    await markDelivered(context, order);
  }
}

/** An order holds the execution as it was. One that waits is measured as it would be sent. */
function bytesOf(message: WorkerMessage): number {
  return message.type === "attached" ? 0 : JSON.stringify(message.order).length;
}

/** The orders that the worker may have missed: they follow from the state of what it holds. */
async function pendingOrders(context: Context, tenant: string, workerId: string): Promise<readonly StopOrder[]> {
  const held = await context.store.listHeldBy(tenant, workerId);
  return held.flatMap((execution): StopOrder[] => {
    const token = execution.lease?.token ?? 0;
    const order = signalFor(execution, token);
    return order === "stop" || order === "terminate" ? [{ execution, token, signal: order }] : [];
  });
}

async function markDelivered(context: Context, order: StopOrder): Promise<void> {
  const { key, cancellation } = order.execution;
  if (cancellation === null || order.signal === "lease_lost") return;
  await context.queue.submitOwed({
    key,
    command: { type: "signal_delivered", cancellationId: cancellation.id, signal: order.signal },
    idempotency: null,
    effectId: null,
    audit: null,
  });
}
