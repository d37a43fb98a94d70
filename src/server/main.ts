/** The composition root: puts the store, the engines, the service, the RPCs and the port together. */
import { pino } from "pino";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import { WorkerEngine } from "../engines/worker_engine.ts";
import { DIALECTS } from "../rest/dialects.ts";
import { callbackBodyOf } from "../rest/phonefarm/callback_body.ts";
import { createRestRouter } from "../rest/rest_router.ts";
import { callsOf } from "../rpc/calls.ts";
import { keysOf } from "../rpc/keys.ts";
import { interceptors, routes, warmUp, wireInterceptors } from "../rpc/routes.ts";
import { systemClock } from "../service/clock.ts";
import { createService } from "../service/create_service.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import type { RunningServer, ServerConfig } from "./config.ts";
import { startPort } from "./port.ts";
import { openRedisFlags } from "./redis_flags.ts";
import { createRestHandler } from "./rest_handler.ts";

/** Serves when it resolves. Rejects, with nothing left open, if the database can't be opened or the port can't be had. */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const logger = pino({ level: config.logLevel });
  const flags = config.redisUrl === null ? undefined : await openRedisFlags(config.redisUrl, logger);
  const store = await openSqliteStore(config.database).catch((error: unknown) => {
    flags?.close();
    throw error;
  });
  const service = createService({
    store,
    clock: systemClock(),
    workers: new WorkerEngine(),
    callbacks: { secret: config.callbackSecret, bodyOf: callbackBodyOf },
    logger,
    ...(flags !== undefined && { flags }),
  });
  const stop = async (): Promise<void> => {
    await service.stop();
    flags?.close();
    await store.close();
  };
  warmUp();
  const keys = keysOf(config.apiKeys);
  const router = createRestRouter({
    dialects: DIALECTS,
    calls: callsOf(service, interceptors({ log: logger })),
    service,
    keys,
    onFault: (error, requestId) => logger.error({ err: error, request_id: requestId }, "a request failed"),
  });
  try {
    const port = await startPort({
      host: config.host,
      port: config.port,
      tls: config.tls,
      routes: routes(service),
      services: [CancellationService, ExecutionService, WorkerService, Gateway],
      interceptors: wireInterceptors({ log: logger }, keys),
      handlers: (limits) => [createRestHandler(router, limits)],
      corsOrigins: config.corsOrigins,
      shutdownGrace: config.shutdownGrace,
      logger,
    });
    return {
      url: port.url,
      close: async () => {
        await port.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
