/** The RPC room's front: the services of belay.v1, Zeebe's gateway, and what stands before their handlers. */
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { AuditService } from "../../gen/belay/v1/audit_service_pb.ts";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import type { Millis } from "../domain/time.ts";
import type { AuditReader } from "../gate/audit_reader.ts";
import type { Gate } from "../gate/gate.ts";
import type { Keys } from "../gate/keys.ts";
import type { Service } from "../service/service.ts";
import { auditHandlers } from "./audit_service.ts";
import { auditRefusals } from "./auditing.ts";
import { authenticateCalls } from "./authentication.ts";
import { cancellationHandlers } from "./cancellation_service.ts";
import { enforceDeadlines } from "./deadline.ts";
import { mapErrors } from "./error_mapping.ts";
import { executionHandlers } from "./execution_service.ts";
import type { FaultLog } from "./fault_log.ts";
import { checkJsonBodies } from "./json_body.ts";
import { keyHandlers } from "./key_service.ts";
import type { RefusalSink } from "./refusal_entry.ts";
import { validateRequests, warmUpValidation } from "./validation.ts";
import { workerHandlers } from "./worker_service.ts";
import { gatewayHandlers } from "./zeebe_gateway.ts";

/** What the services stand on. */
export interface UseCases {
  readonly service: Service;
  readonly keys: Keys;
  readonly audit: AuditReader;
}

/** The services that `routes` registers. */
export const SERVICES: readonly DescService[] = [
  CancellationService,
  ExecutionService,
  WorkerService,
  KeyService,
  AuditService,
  Gateway,
];

/** Registers the handlers of all services. They need `interceptors` before them. */
export function routes({ service, keys, audit }: UseCases): (router: ConnectRouter) => void {
  return (router) => {
    router.service(CancellationService, cancellationHandlers(service));
    router.service(ExecutionService, executionHandlers(service));
    router.service(WorkerService, workerHandlers(service));
    router.service(KeyService, keyHandlers(keys));
    router.service(AuditService, auditHandlers(audit));
    router.service(Gateway, gatewayHandlers(service));
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
  return [mapErrors(log), ...afterErrors(log, defaultDeadline)];
}

/** The same for calls that come over the wire: they also have to pass the gate, and cancels that are refused are written down. */
export function wireInterceptors(options: InterceptorOptions, gate: Gate, refusals: RefusalSink): Interceptor[] {
  const { log, defaultDeadline = DEFAULT_DEADLINE } = options;
  return [auditRefusals(refusals), mapErrors(log), authenticateCalls(gate), ...afterErrors(log, defaultDeadline)];
}

function afterErrors(log: FaultLog, deadline: Millis): Interceptor[] {
  return [enforceDeadlines(log, deadline), checkJsonBodies, validateRequests];
}

/** Prepares what the first calls would otherwise wait for. */
export function warmUp(): void {
  warmUpValidation(SERVICES);
}
