/** Use cases about executions: register, start, finish, show, list. */
import { Refused, refusal } from "../domain/refusal.ts";
import { notFound } from "../domain/refusals.ts";
import { type Context, submit } from "./context.ts";
import { mintExecutionId } from "./ids.ts";
import type { Service } from "./service.ts";

export function executionUseCases(
  context: Context,
): Pick<
  Service,
  "register" | "start" | "complete" | "fail" | "getExecution" | "listExecutions" | "searchProcessInstances"
> {
  return {
    register: async ({ tenant, kind, id, spec, queueItems, claim, idempotency = null }) => {
      if (!context.engines.has(spec.engine)) {
        const known = [...context.engines.keys()].join(", ");
        throw new Refused(
          refusal("invalid_request", `engine: '${spec.engine}' is not configured; must be one of: ${known}`, {
            field: "engine",
          }),
        );
      }
      const isMinting = id === "";
      const key = { tenant, kind, id: isMinting ? mintExecutionId(kind) : id };
      const submission = { idempotency: idempotency === null ? null : { ...idempotency, isMinting } };
      return (await submit(context, key, { type: "register", spec, queueItems, claim }, submission)).execution;
    },
    start: async (key, claim, idempotency) =>
      (await submit(context, key, { type: "start", claim }, { idempotency })).execution,
    complete: async (key, token, result, outcomeId, idempotency) =>
      (await submit(context, key, { type: "complete", token, result, outcomeId }, { idempotency })).execution,
    fail: async (key, token, error, idempotency) =>
      (await submit(context, key, { type: "fail", token, error }, { idempotency })).execution,
    getExecution: async (key) => {
      const execution = await context.store.findExecution(key);
      if (execution === null) throw new Refused(notFound(key));
      return context.heard.current(execution);
    },
    listExecutions: async (tenant, filter, page) => {
      const { items, nextPageToken } = await context.store.listExecutions(tenant, filter, page);
      return { items: items.map((execution) => context.heard.current(execution)), nextPageToken };
    },
    searchProcessInstances: (tenant, search) => context.store.searchProcessInstances(tenant, search),
  };
}
