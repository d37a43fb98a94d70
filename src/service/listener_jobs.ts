/** Use cases of listener workers: take jobs, waiting for them, and complete or fail them. */
import { cancellationOfJobKey } from "../domain/cancellation.ts";
import type { ExecutionKey } from "../domain/execution.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import type { CancelledExecution } from "../store/store.ts";
import { cancelled } from "./cancellations.ts";
import { type Context, submit } from "./context.ts";
import { listenerJobTopic } from "./event_bus.ts";
import { passed } from "./passed.ts";
import type { ActivationRequest, Service } from "./service.ts";

export function listenerJobUseCases(
  context: Context,
): Pick<Service, "activateListenerJobs" | "completeListenerJob" | "failListenerJob"> {
  return {
    activateListenerJobs: (request, signal) => activateWaiting(context, request, signal),
    completeListenerJob: async (tenant, jobKey, activation, idempotency) => {
      const key = await findJob(context, tenant, jobKey);
      const command = { type: "complete_listener_job", jobKey, activation } as const;
      const { execution } = await submit(context, key, command, { idempotency });
      return cancelled(execution);
    },
    failListenerJob: async (tenant, jobKey, activation, failure, idempotency) => {
      const key = await findJob(context, tenant, jobKey);
      const command = { type: "fail_listener_job", jobKey, activation, ...failure } as const;
      const { execution } = await submit(context, key, command, { idempotency });
      return cancelled(execution);
    },
  };
}

async function findJob(context: Context, tenant: string, jobKey: string): Promise<ExecutionKey> {
  const cancellationId = cancellationOfJobKey(jobKey);
  const found = cancellationId === null ? null : await context.store.findCancellation(tenant, cancellationId);
  if (found !== null) return found.execution.key;
  throw new Refused(
    refusal("listener_job_not_found", `no listener job '${jobKey}' is open: it is unknown or done`, {
      job_key: jobKey,
    }),
  );
}

/** Takes jobs now, or the first that come within the request's wait. */
async function activateWaiting(
  context: Context,
  request: ActivationRequest,
  signal: AbortSignal,
): Promise<readonly CancelledExecution[]> {
  const until = context.clock.now() + request.wait;
  for (;;) {
    const offer = nextOffer(context, request.tenant);
    try {
      const taken = await activate(context, request);
      const left = until - context.clock.now();
      if (taken.length > 0 || left <= 0 || signal.aborted) return taken;
      const later = await context.store.nextListenerJobAt(request.tenant, request.types);
      const wait = later === null ? left : Math.min(left, Math.max(1, later - context.clock.now()));
      await Promise.race([offer.made, passed(wait, signal)]);
      if (signal.aborted) return [];
    } finally {
      offer.forget();
    }
  }
}

async function activate(context: Context, request: ActivationRequest): Promise<readonly CancelledExecution[]> {
  const { tenant, types, workerId, maxJobs, lock } = request;
  const open = await context.store.listOpenListenerJobs(tenant, types, context.clock.now(), maxJobs);
  const taken = await Promise.all(
    open.map(async ({ execution, cancellation }) => {
      const jobKey = cancellation.listenerJob?.key ?? "";
      const applied = await context.queue.submit({
        key: execution.key,
        command: { type: "activate_listener_job", jobKey, workerId, lock },
        idempotency: null,
        effectId: null,
        audit: null,
      });
      // Refused: another worker was faster.
      return applied.reply.accepted && applied.execution !== null ? [cancelled(applied.execution)] : [];
    }),
  );
  return taken.flat();
}

/** Resolves `made` when a listener job of the tenant is offered. */
function nextOffer(context: Context, tenant: string): { readonly made: Promise<void>; readonly forget: () => void } {
  const made = Promise.withResolvers<void>();
  const forget = context.bus.subscribe(listenerJobTopic(tenant), () => made.resolve());
  return { made: made.promise, forget };
}
