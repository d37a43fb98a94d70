/** The whole service behind a port: over a store of its own, with the gate, and on a clock that stands still. */
import type { Logger } from "pino";
import { createAuditReader } from "../../../src/gate/audit_reader.ts";
import { createGate } from "../../../src/gate/gate.ts";
import { type KeyGrant, KeyRing } from "../../../src/gate/key_ring.ts";
import { createKeys } from "../../../src/gate/keys.ts";
import { createRateLimits, type RateLimitOptions } from "../../../src/gate/rate_limits.ts";
import type { RefusalSink } from "../../../src/rpc/refusal_entry.ts";
import { routes, SERVICES, wireInterceptors } from "../../../src/rpc/routes.ts";
import { judgeUnreadable } from "../../../src/rpc/unreadable_calls.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService, type TestService } from "../../service/world.ts";
import type { Backend } from "./backend.ts";

const NOON = Date.UTC(2026, 0, 31, 12);

export interface BelayBackendOptions {
  /** None: nobody needs a key. */
  readonly keys?: readonly KeyGrant[];
  readonly rateLimits?: Partial<RateLimitOptions>;
  /** What there is before the first case. Resolves with cancellations by the ids of their executions. */
  readonly furnish?: (world: TestService) => Promise<ReadonlyMap<string, string>>;
}

/** Its events are what the audit log is told of refused calls. */
export function belayBackend({ keys = [], rateLimits = {}, furnish }: BelayBackendOptions = {}) {
  return async (logger: Logger): Promise<Backend> => {
    const now = (): number => NOON;
    const world = await startService({ clock: { now } });
    const { store, service } = world;
    const ring = await KeyRing.open(keys, store.apiKeys, now);
    const gate = createGate({
      recognizers: [ring.recognize],
      recognizeCertificate: null,
      isRequired: () => keys.length > 0,
      limits: createRateLimits({
        perKey: null,
        perAddress: null,
        failures: { calls: 1_000_000, period: 3_600_000 },
        ...rateLimits,
      }),
    });
    const events: string[] = [];
    const note = (entry: unknown): void => void events.push(JSON.stringify(entry));
    const refusals: RefusalSink = { add: async (entry) => note(entry), addLater: note };
    const useCases = {
      service,
      keys: createKeys({ store: store.apiKeys, ring, now, isOpen: () => false }),
      audit: createAuditReader(store.audit),
    };
    const cancellations = (await furnish?.(world)) ?? new Map<string, string>();
    return {
      options: {
        routes: routes(useCases),
        services: SERVICES,
        interceptors: wireInterceptors({ log: logger }, gate, refusals),
        judgeUnreadable: judgeUnreadable(gate, refusals),
      },
      events,
      reached: () => Promise.reject(new Error("nobody can see when a call waits")),
      cancellationOf(executionId) {
        const id = cancellations.get(executionId);
        if (id === undefined) throw new Error(`${executionId} was not cancelled before the cases`);
        return id;
      },
      close: () => world.close(),
    };
  };
}

/** Cancels a process that waits for a listener then. Resolves with the id of its cancellation. */
export async function cancelWithListener({ service }: TestService, id: string, type: string): Promise<string> {
  const key = keyOfKind("process", id);
  await service.register(registration(key, null, { listeners: [{ type, retries: 3 }] }));
  const { execution } = await service.cancel(cancelOf(key, { strategy: "soft" }), FOREVER);
  if (execution.cancellation === null) throw new Error(`${id} has no cancellation`);
  return execution.cancellation.id;
}
