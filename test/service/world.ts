/** The service over a real database, for tests. */
import { pino } from "pino";
import type { ExecutionKey, ExecutionSpec, Kind } from "../../src/domain/execution.ts";
import { WorkerEngine } from "../../src/engines/worker_engine.ts";
import { createService, type RunningService, type ServiceOptions } from "../../src/service/create_service.ts";
import type { CancelRequest, RegisterRequest, StoredEvent, WorkerMessage } from "../../src/service/service.ts";
import type { Store } from "../../src/store/store.ts";
import { type Database, SQLITE } from "../store/databases.ts";

export const TENANT = "default";

/** A signal for calls that the test does not want to end early. */
export const FOREVER = new AbortController().signal;

export interface TestService {
  service: RunningService;
  store: Store;
  /** Stops the service and opens the same database again, as a restart would. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param change what the test wants otherwise; with a clock, commands are decided by that
 * @param database where it matters; otherwise the quickest
 */
export async function startService(
  change: Partial<ServiceOptions> = {},
  database: Database = SQLITE,
): Promise<TestService> {
  const fresh = await database.create();
  const open = async () => {
    const opened = await fresh.open(change.clock === undefined ? "database" : "caller");
    return { store: opened.store, service: serviceOver(opened, change) };
  };
  const stop = async () => {
    await running.service.stop();
    await running.store.close();
  };
  const running: TestService = {
    ...(await open()),
    restart: async () => {
      await stop();
      Object.assign(running, await open());
    },
    close: async () => {
      await stop();
      await fresh.remove();
    },
  };
  return running;
}

/** A service over an open store. */
export function serviceOver(
  { store, clock }: Pick<ServiceOptions, "store" | "clock">,
  change: Partial<ServiceOptions> = {},
): RunningService {
  return createService({
    store,
    clock,
    workers: new WorkerEngine(),
    callbacks: { secret: null, bodyOf: ({ state }) => JSON.stringify({ state }) },
    logger: pino({ level: "silent" }),
    leaseGrace: 0,
    ...change,
  });
}

export function keyOfKind(kind: Kind, id: string): ExecutionKey {
  return { tenant: TENANT, kind, id };
}

/** A request to register an execution. With `workerId`, that worker runs it, on a lease of 15 seconds. */
export function registration(
  key: ExecutionKey,
  workerId: string | null,
  spec: Partial<ExecutionSpec> = {},
): RegisterRequest {
  return {
    tenant: key.tenant,
    kind: key.kind,
    id: key.id,
    spec: {
      engine: "worker",
      parent: null,
      labels: {},
      listeners: [],
      detail: {},
      workflowId: null,
      canceledOutcomeId: null,
      callbackUrl: null,
      ...spec,
    },
    queueItems: [],
    claim: workerId === null ? null : { workerId, leaseDuration: 15_000 },
  };
}

export function cancelOf(key: ExecutionKey, change: Partial<CancelRequest> = {}): CancelRequest {
  return {
    key,
    strategy: null,
    forceAfter: null,
    reason: "because",
    requestedBy: null,
    operationReference: null,
    workflowId: null,
    idempotency: null,
    audit: null,
    ...change,
  };
}

/** The types of all events of a watch, once it has ended. */
export async function typesOf(events: AsyncIterable<StoredEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of events) types.push(event.type);
  return types;
}

/** Attaches as a worker that stops its work as soon as it is given one of the `obeyed` signals. Ends when `signal` aborts. */
export async function obey(
  service: RunningService,
  workerId: string,
  obeyed: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const reports: Promise<void>[] = [];
  for await (const message of service.attach(TENANT, workerId, signal)) {
    if (message.type === "stop_order" && obeyed.includes(message.order.signal)) reports.push(report(service, message));
  }
  await Promise.all(reports);
}

/** A worker is a network away: its report does not come before the order's delivery is noted. */
async function report(service: RunningService, { order }: Extract<WorkerMessage, { type: "stop_order" }>) {
  const { key } = order.execution;
  for await (const { type } of service.watchExecution(key, 0, FOREVER)) {
    if (type === `${order.signal}_delivered`) break;
  }
  await service.reportStopped(key, order.token, "gone");
}
