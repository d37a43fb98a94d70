/** The composition root: puts the store, the engines, the service, the gate, the doors and the port together. */
import type { Logger } from "pino";
import { WorkerEngine } from "../engines/worker_engine.ts";
import { DIALECTS } from "../rest/dialects.ts";
import { callbackBodyOf } from "../rest/phonefarm/callback_body.ts";
import { createRestRouter } from "../rest/rest_router.ts";
import { createRouteTable } from "../rest/route_table.ts";
import { callsOf } from "../rpc/calls.ts";
import { interceptors, routes, SERVICES, warmUp, wireInterceptors } from "../rpc/routes.ts";
import { judgeUnreadable } from "../rpc/unreadable_calls.ts";
import { createService, type ServiceOptions } from "../service/create_service.ts";
import { createAdmission } from "./admission.ts";
import { InsecureAddressError, type RunningServer, type ServerConfig } from "./config.ts";
import { openLog } from "./log.ts";
import { isLoopback } from "./loopback.ts";
import { openGate } from "./open_gate.ts";
import { openStore } from "./open_store.ts";
import { trustedProxies } from "./peer.ts";
import { type PortOptions, startPort } from "./port.ts";
import { watchReadiness } from "./readiness.ts";
import type { RedisFlags } from "./redis_flags.ts";
import { createRestHandler } from "./rest_handler.ts";
import { shedRefusal } from "./shed_refusal.ts";
import { limitStreams } from "./stream_limits.ts";
import { openTls } from "./tls.ts";

/** What nobody can configure: tests of crashes shorten what would take minutes, and make the server die where it hurts. */
export type Trials = Pick<ServiceOptions, "effectClaim" | "leaseGrace" | "faults"> & Pick<PortOptions, "lanes">;

/**
 * Serves when it resolves. Rejects, with nothing left open, if the database can't be opened, the port can't be had, a TLS file can't be
 * used, or the address is not to be had without credentials (InsecureAddressError).
 */
export async function startServer(config: ServerConfig, trials: Trials = {}): Promise<RunningServer> {
  // Closed in the opposite order, whether the start fails or the server is closed.
  const opened = new AsyncDisposableStack();
  try {
    return await start(config, trials, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function start(config: ServerConfig, trials: Trials, opened: AsyncDisposableStack): Promise<RunningServer> {
  const logger = openLog(config.logLevel);
  const tls = config.tls === null ? null : await openTls(config.tls, { logger });
  opened.defer(() => tls?.close());
  const flags = config.redisUrl === null ? undefined : await openFlags(config.redisUrl, logger);
  opened.defer(() => flags?.close());
  const { store, clock } = await openStore(config, logger, trials);
  opened.defer(() => store.close());
  const { gate, keys, tokens, audit, refusals, close: closeGate } = await openGate({ config, store, tls, logger });
  opened.defer(closeGate);
  if (!gate.isRequired() && !isLoopback(config.host)) {
    throw new InsecureAddressError(
      `${config.host} can be reached from other machines, and no credentials are configured`,
    );
  }
  const service = createService({
    store,
    clock,
    workers: new WorkerEngine(),
    callbacks: { secret: config.callbackSecret, bodyOf: callbackBodyOf },
    retention: config.retention,
    ...trials,
    logger,
    ...(flags !== undefined && { flags }),
  });
  opened.defer(() => service.stop());
  warmUp();
  const table = createRouteTable(DIALECTS);
  const router = createRestRouter({
    dialects: DIALECTS,
    table,
    calls: callsOf(service, interceptors({ log: logger })),
    service,
    gate,
    tokens,
    accessTokenInQuery: config.accessTokenInQuery,
    refusals,
    onFault: (error, requestId) => logger.error({ err: error, request_id: requestId }, "a request failed"),
  });
  const admission = createAdmission({ commandDelay: () => service.commandDelay(), logger });
  opened.defer(() => admission.close());
  const port = await startPort({
    host: config.host,
    port: config.port,
    tls,
    routes: routes({ service, keys, audit }),
    services: SERVICES,
    interceptors: [...wireInterceptors({ log: logger }, gate, refusals), limitStreams()],
    judgeUnreadable: judgeUnreadable(gate, refusals),
    handlers: (limits) => [createRestHandler(router, limits)],
    admission: {
      admission,
      table,
      onShed: (call) => {
        const entry = shedRefusal(call, table);
        if (entry !== null) refusals.addLater(entry);
      },
    },
    ...(trials.lanes !== undefined && { lanes: trials.lanes }),
    localNamesOnly: { table, isOn: () => !gate.isRequired() },
    trustedProxies: trustedProxies(config.trustedProxies),
    corsOrigins: config.corsOrigins,
    shutdownGrace: config.shutdownGrace,
    logger,
  });
  opened.defer(() => port.close());
  opened.defer(watchReadiness({ health: store.health, setServing: port.setServing, logger }));
  return {
    url: port.url,
    isOpen: !gate.isRequired(),
    reload: async () => {
      await tls?.reload();
    },
    close: () => opened.disposeAsync(),
  };
}

async function openFlags(redisUrl: string, logger: Logger): Promise<RedisFlags> {
  // Few have a Redis, and its client is half of all that would be loaded.
  const { openRedisFlags } = await import("./redis_flags.ts");
  return openRedisFlags(redisUrl, logger);
}
