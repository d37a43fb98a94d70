/** Use cases of workers that run executions: heartbeats, orders, reports. */
import type { ExecutionKey } from "../domain/execution.ts";
import { signalFor } from "../domain/signal.ts";
import type { Millis } from "../domain/time.ts";
import { Attachment } from "./attachment.ts";
import { type Context, submit } from "./context.ts";
import { KeepAlives } from "./keep_alives.ts";
import type { LeaseAnswer, Service } from "./service.ts";

/** How often an idle stream shows that it is alive. Workers may count on it. */
const KEEP_ALIVE: Millis = 10_000;

export function workerUseCases(context: Context): Pick<Service, "heartbeat" | "attach" | "reportStopped"> {
  const keepAlives = new KeepAlives(KEEP_ALIVE);
  return {
    heartbeat: (leases) => Promise.all(leases.map(({ key, token }) => heartbeat(context, key, token))),
    attach: (tenant, workerId, signal) => new Attachment(context, keepAlives, { tenant, workerId, signal }),
    reportStopped: async (key, token, evidence, idempotency) =>
      (await submit(context, key, { type: "report_stopped", token, evidence }, { idempotency })).execution,
  };
}

async function heartbeat(context: Context, key: ExecutionKey, token: number): Promise<LeaseAnswer> {
  if (context.heard.isKeeping) {
    const found = await context.store.findExecution(key);
    const renewed = context.heard.hear(found, token, context.clock.now());
    if (renewed !== null) return { execution: renewed, signal: "none" };
  }
  // An execution that is not there is an answer too, not an error.
  const { execution } = await context.queue.submit({
    key,
    command: { type: "heartbeat", token },
    idempotency: null,
    effectId: null,
    audit: null,
  });
  return { execution, signal: signalFor(execution, token) };
}
