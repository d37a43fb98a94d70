/** The RPC room by itself: its routes and interceptors over a service of a few canned answers, called in memory. */
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type Interceptor,
} from "@connectrpc/connect";
import { expect } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { FaultLog } from "../../src/rpc/fault_log.ts";
import { httpStatusKey } from "../../src/rpc/http_status.ts";
import { interceptors, routes, type UseCases } from "../../src/rpc/routes.ts";
import type { Service } from "../../src/service/service.ts";

export interface Door {
  readonly cancellations: Client<typeof CancellationService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
  /** The HTTP statuses that failed calls asked for, in their order. */
  readonly statuses: (number | undefined)[];
  /** What was written to the fault log. */
  readonly faults: Parameters<FaultLog["error"]>[0][];
}

interface DoorOptions {
  readonly defaultDeadline?: number;
  /** Stands for what the port does to a call. */
  readonly outer?: Interceptor;
}

/** Every use case that is not given fails the test that calls it. */
export function openDoor(useCases: Partial<Service>, { defaultDeadline = 10_000, outer }: DoorOptions = {}): Door {
  const statuses: (number | undefined)[] = [];
  const faults: Parameters<FaultLog["error"]>[0][] = [];
  const noteStatus: Interceptor = (next) => async (call) => {
    try {
      return await next(call);
    } catch (error) {
      statuses.push(call.contextValues.get(httpStatusKey));
      throw error;
    }
  };
  const log: FaultLog = { error: (fields) => faults.push(fields) };
  const chain = [...(outer === undefined ? [] : [outer]), noteStatus, ...interceptors({ log, defaultDeadline })];
  const transport = createRouterTransport(routes(useCasesDouble(useCases)), { router: { interceptors: chain } });
  return {
    cancellations: createClient(CancellationService, transport),
    executions: createClient(ExecutionService, transport),
    workers: createClient(WorkerService, transport),
    statuses,
    faults,
  };
}

/** The error that `answer` fails with. */
export async function errorOf(answer: Promise<unknown>): Promise<ConnectError> {
  const error: unknown = await answer.then(
    () => "an answer",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return ConnectError.from(error, Code.Unknown);
}

/** A service of which only the given use cases may be called. */
function serviceDouble(useCases: Partial<Service>): Service {
  const unexpected = (): never => {
    throw new Error("the test did not expect this use case");
  };
  return {
    cancel: unexpected,
    getCancellation: unexpected,
    listCancellations: unexpected,
    watchCancellation: unexpected,
    resolveIncident: unexpected,
    register: unexpected,
    start: unexpected,
    complete: unexpected,
    fail: unexpected,
    getExecution: unexpected,
    searchProcessInstances: unexpected,
    listExecutions: unexpected,
    listInstancesOfWorkflow: unexpected,
    listWindow: unexpected,
    watchExecution: unexpected,
    heartbeat: unexpected,
    attach: unexpected,
    reportStopped: unexpected,
    activateListenerJobs: unexpected,
    completeListenerJob: unexpected,
    failListenerJob: unexpected,
    createBatchOperation: unexpected,
    getBatchOperation: unexpected,
    listBatchOperations: unexpected,
    listBatchItems: unexpected,
    suspendBatchOperation: unexpected,
    resumeBatchOperation: unexpected,
    cancelBatchOperation: unexpected,
    ...useCases,
  };
}

/** The same, with keys and an audit log that nobody may ask for. */
export function useCasesDouble(useCases: Partial<Service>): UseCases {
  const unexpected = (): never => {
    throw new Error("this use case was not to be called");
  };
  return {
    service: serviceDouble(useCases),
    keys: { create: unexpected, list: unexpected, revoke: unexpected },
    audit: { list: unexpected },
  };
}
