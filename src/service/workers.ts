/** Use cases of workers that run executions: heartbeats, orders, reports. */
import { type StopOrder, signalFor } from "../domain/signal.ts";
import type { Millis } from "../domain/time.ts";
import { type Backlog, Channel } from "./channel.ts";
import { type Context, submit } from "./context.ts";
import type { Service, WorkerMessage } from "./service.ts";

/** How often an idle stream shows that it is alive. Workers may count on it. */
const KEEP_ALIVE: Millis = 10_000;

export function workerUseCases(context: Context): Pick<Service, "heartbeat" | "attach" | "reportStopped"> {
  return {
    heartbeat: (leases) =>
      Promise.all(
        leases.map(async ({ key, token }) => {
          // An execution that is not there is an answer too, not an error.
          const { execution } = await context.queue.submit({
            key,
            command: { type: "heartbeat", token },
            idempotency: null,
            effectId: null,
            audit: null,
          });
          return { execution, signal: signalFor(execution, token) };
        }),
      ),
    attach: (tenant, workerId, signal) => attach(context, tenant, workerId, signal),
    reportStopped: async (key, token, evidence, idempotency) =>
      (await submit(context, key, { type: "report_stopped", token, evidence }, { idempotency })).execution,
  };
}

async function* attach(
  context: Context,
  tenant: string,
  workerId: string,
  signal: AbortSignal,
): AsyncGenerator<WorkerMessage> {
  const channel = new Channel(BACKLOG);
  const detach = context.workers.attach(tenant, workerId, (order) => channel.push({ type: "stop_order", order }));
  const keepAlive = setInterval(() => channel.push({ type: "attached" }), KEEP_ALIVE);
  const close = () => channel.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  try {
    yield { type: "attached" };
    for (const order of await pendingOrders(context, tenant, workerId)) {
      yield { type: "stop_order", order };
      await markDelivered(context, order);
    }
    yield* channel;
  } finally {
    detach();
    clearInterval(keepAlive);
    signal.removeEventListener("abort", close);
  }
}

/** All that one worker runs may be cancelled in one stroke, and its orders come in one burst. */
const BACKLOG: Backlog<WorkerMessage> = { items: 10_000, bytes: 16 * 1024 * 1024, bytesOf };

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
