/** The composition root: puts the store, the engines, the service, the RPCs and the port together. */
import { pino } from "pino";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { WorkerEngine } from "../engines/worker_engine.ts";
import { interceptors, routes, warmUp } from "../rpc/routes.ts";
import { systemClock } from "../service/clock.ts";
import { createService } from "../service/create_service.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import type { RunningServer, ServerConfig } from "./config.ts";
import { startPort } from "./port.ts";

/** Serves when it resolves. Rejects, with nothing left open, if the database can't be opened or the port can't be had. */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const logger = pino({ level: config.logLevel });
  const store = await openSqliteStore(config.database);
  const service = createService({ store, clock: systemClock(), workers: new WorkerEngine(), logger });
  const stop = async (): Promise<void> => {
    await service.stop();
    await store.close();
  };
  warmUp();
  try {
    const port = await startPort({
      host: config.host,
      port: config.port,
      tls: config.tls,
      routes: routes(service),
      services: [CancellationService, ExecutionService, WorkerService],
      interceptors: interceptors({ log: logger }),
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
