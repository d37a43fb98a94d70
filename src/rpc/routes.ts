/** The RPC room's front: the three services of belay.v1, and what stands before their handlers. */
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Millis } from "../domain/time.ts";
import type { Service } from "../service/service.ts";
import { cancellationHandlers } from "./cancellation_service.ts";
import { enforceDeadlines } from "./deadline.ts";
import { mapErrors } from "./error_mapping.ts";
import { executionHandlers } from "./execution_service.ts";
import type { FaultLog } from "./fault_log.ts";
import { checkJsonBodies } from "./json_body.ts";
import { validateRequests, warmUpValidation } from "./validation.ts";
import { workerHandlers } from "./worker_service.ts";

/** Registers the handlers of CancellationService, ExecutionService and WorkerService. They need `interceptors` before them. */
export function routes(service: Service): (router: ConnectRouter) => void {
  return (router) => {
    router.service(CancellationService, cancellationHandlers(service));
    router.service(ExecutionService, executionHandlers(service));
    router.service(WorkerService, workerHandlers(service));
  };
}

export interface InterceptorOptions {
  /** Where faults of the server are written. */
  readonly log: FaultLog;
  /** How long a unary call may take where its caller sets no deadline. Default: 15 seconds. */
  readonly defaultDeadline?: Millis;
}

const DEFAULT_DEADLINE: Millis = 15_000;

/** What every call passes, from the outside in. Errors are mapped last, so that those of the others are mapped too. */
export function interceptors({ log, defaultDeadline = DEFAULT_DEADLINE }: InterceptorOptions): Interceptor[] {
  return [mapErrors(log), enforceDeadlines(log, defaultDeadline), checkJsonBodies, validateRequests];
}

/** Prepares what the first calls would otherwise wait for. */
export function warmUp(): void {
  warmUpValidation([CancellationService, ExecutionService, WorkerService]);
}
