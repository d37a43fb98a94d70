/** The use cases: what a door may ask of Belay. Each refusal is thrown as `Refused`. */
import type { RequestedBy, Strategy } from "../domain/cancellation.ts";
import type { Claim } from "../domain/command.ts";
import type { Disposition } from "../domain/decision.ts";
import type { Execution, ExecutionError, ExecutionKey, ExecutionSpec, Kind, QueueItem } from "../domain/execution.ts";
import type { JsonObject } from "../domain/json.ts";
import type { Signal, StopOrder } from "../domain/signal.ts";
import type { Millis } from "../domain/time.ts";
import type { AuditCall } from "../store/audit.ts";
import type { BatchFilter, BatchItem, BatchItemFilter, Listed, Slice } from "../store/batch_operation_lists.ts";
import type { BatchOperation } from "../store/batch_operations.ts";
import type {
  FoundProcessInstances,
  ProcessInstanceFilter,
  ProcessInstanceSearch,
} from "../store/process_instance_search.ts";
import type {
  CancellationFilter,
  CancelledExecution,
  ExecutionFilter,
  Idempotency,
  NumberedPage,
  NumberedPageRequest,
  Page,
  PageRequest,
  StoredEvent,
  Window,
  WindowRequest,
} from "../store/store.ts";

export type { StopOrder } from "../domain/signal.ts";
export type { AuditCall } from "../store/audit.ts";
export type { BatchFilter, BatchItem, BatchItemFilter, Slice } from "../store/batch_operation_lists.ts";
export type { BatchOperation } from "../store/batch_operations.ts";
export type {
  FoundProcessInstances,
  ProcessInstanceField,
  ProcessInstanceFilter,
  ProcessInstanceSearch,
  SearchCondition,
  SearchConditions,
  SearchOrder,
  SearchPlace,
} from "../store/process_instance_search.ts";
export type {
  CancellationFilter,
  CancelledExecution,
  ExecutionFilter,
  Idempotency,
  Page,
  PageRequest,
  StoredEvent,
  WindowRequest,
} from "../store/store.ts";

/** Who asks for something that the audit log keeps, and whether it does already. */
export interface AuditTrail {
  readonly call: AuditCall;
  /** True from when the store has it to decide, which writes down what it decides. Otherwise whoever refuses the call sees to it. */
  isRecorded: boolean;
}

export interface CancelRequest {
  readonly key: ExecutionKey;
  /** Null: the default of the kind. */
  readonly strategy: Strategy | null;
  /** Null: the default. */
  readonly forceAfter: Millis | null;
  readonly reason: string;
  readonly requestedBy: RequestedBy | null;
  readonly operationReference: string | null;
  /** For a workflow instance: the workflow that it must belong to. */
  readonly workflowId: string | null;
  /** Null: the call is not to be replayed. */
  readonly idempotency: Idempotency | null;
  /** Null: nobody has to answer for it. */
  readonly audit: AuditTrail | null;
}

export interface CancelAnswer {
  readonly disposition: Disposition;
  /** The execution as it stood when the answer's time had come. */
  readonly execution: Execution;
  /** The timeline of its cancellation so far; empty if it has none. */
  readonly timeline: readonly StoredEvent[];
  /** Whether the cancellation flag was raised, for workers that look there. Only workflow runs have one. */
  readonly flagRaised: boolean;
}

export interface RegisterRequest {
  readonly tenant: string;
  readonly kind: Kind;
  /** Empty: an id is minted. */
  readonly id: string;
  /** All but the root, which follows from the parent. */
  readonly spec: Omit<ExecutionSpec, "root">;
  readonly queueItems: readonly QueueItem[];
  readonly claim: Claim | null;
  /** Left out or null: the call is not to be replayed. */
  readonly idempotency?: Idempotency | null;
}

export interface LeaseAnswer {
  /** Null if it is not registered. */
  readonly execution: Execution | null;
  readonly signal: Signal;
}

/** What an attached worker is sent: that the stream is live, or an order. */
export type WorkerMessage = { readonly type: "attached" } | { readonly type: "stop_order"; readonly order: StopOrder };

export interface ActivationRequest {
  readonly tenant: string;
  readonly workerId: string;
  readonly types: readonly string[];
  readonly maxJobs: number;
  readonly lock: Millis;
  /** How long to wait for a job if there is none. */
  readonly wait: Millis;
}

interface BatchRequest {
  readonly tenant: string;
  /** Who asks. */
  readonly principal: string;
  /** What to cancel: the live root process instances that it selects. */
  readonly filter: ProcessInstanceFilter;
  readonly operationReference: string | null;
  /** Null: the call is not to be replayed. */
  readonly idempotency: Idempotency | null;
  /** Null: nobody has to answer for it. */
  readonly audit: AuditTrail | null;
}

/**
 * The use cases. Those that take an `idempotency` as their last argument answer a command that is repeated as they did the first time;
 * left out or null, the call is not to be replayed.
 */
export interface Service {
  /** Cancels, and answers when the kind's contract says so. Throws `still_cancelling` if `signal` aborts a wait. */
  cancel(request: CancelRequest, signal: AbortSignal): Promise<CancelAnswer>;
  getCancellation(
    tenant: string,
    cancellationId: string,
  ): Promise<CancelledExecution & { readonly timeline: readonly StoredEvent[] }>;
  listCancellations(tenant: string, filter: CancellationFilter, page: PageRequest): Promise<Page<CancelledExecution>>;
  /** What happened so far, then each event as it is committed, until the cancellation has ended or `signal` aborts. */
  watchCancellation(
    tenant: string,
    cancellationId: string,
    afterSequence: number,
    signal: AbortSignal,
  ): AsyncIterable<StoredEvent>;
  resolveIncident(
    tenant: string,
    cancellationId: string,
    retries: number,
    idempotency?: Idempotency | null,
  ): Promise<CancelledExecution>;

  register(request: RegisterRequest): Promise<Execution>;
  start(key: ExecutionKey, claim: Claim, idempotency?: Idempotency | null): Promise<Execution>;
  complete(
    key: ExecutionKey,
    token: number,
    result: JsonObject | null,
    outcomeId: string | null,
    idempotency?: Idempotency | null,
  ): Promise<Execution>;
  fail(key: ExecutionKey, token: number, error: ExecutionError, idempotency?: Idempotency | null): Promise<Execution>;
  getExecution(key: ExecutionKey): Promise<Execution>;
  listExecutions(tenant: string, filter: ExecutionFilter, page: PageRequest): Promise<Page<Execution>>;
  searchProcessInstances(tenant: string, search: ProcessInstanceSearch): Promise<FoundProcessInstances>;
  /** The instances of a workflow by page number, newest first. */
  listInstancesOfWorkflow(
    tenant: string,
    workflowId: string,
    page: NumberedPageRequest,
  ): Promise<NumberedPage<Execution>>;
  /** Executions of a kind before or after a known one. */
  listWindow(tenant: string, kind: Kind, window: WindowRequest): Promise<Window<Execution>>;
  /** What happened so far, then each event as it is committed, until nothing more can happen or `signal` aborts. */
  watchExecution(key: ExecutionKey, afterSequence: number, signal: AbortSignal): AsyncIterable<StoredEvent>;

  /** One answer a lease, in order. */
  heartbeat(leases: readonly { readonly key: ExecutionKey; readonly token: number }[]): Promise<readonly LeaseAnswer[]>;
  /** Pending orders first, then each as it is decided, until `signal` aborts. */
  attach(tenant: string, workerId: string, signal: AbortSignal): AsyncIterable<WorkerMessage>;
  reportStopped(
    key: ExecutionKey,
    token: number,
    evidence: string,
    idempotency?: Idempotency | null,
  ): Promise<Execution>;
  /** The executions whose listener job (`cancellation.listenerJob`) was taken; empty if none came in time. */
  activateListenerJobs(request: ActivationRequest, signal: AbortSignal): Promise<readonly CancelledExecution[]>;
  completeListenerJob(
    tenant: string,
    jobKey: string,
    activation: number,
    idempotency?: Idempotency | null,
  ): Promise<CancelledExecution>;
  failListenerJob(
    tenant: string,
    jobKey: string,
    activation: number,
    failure: { readonly retries: number | null; readonly message: string; readonly backoff: Millis },
    idempotency?: Idempotency | null,
  ): Promise<CancelledExecution>;

  /** Cancels all process instances that the filter selects now, in the background. Answers with the key of the batch operation. */
  createBatchOperation(request: BatchRequest): Promise<string>;
  getBatchOperation(tenant: string, key: string): Promise<BatchOperation>;
  /** The newest first. */
  listBatchOperations(tenant: string, filter: BatchFilter, slice: Slice): Promise<Listed<BatchOperation>>;
  /** In the order in which their turn comes. */
  listBatchItems(tenant: string, filter: BatchItemFilter, slice: Slice): Promise<Listed<BatchItem>>;
  /** Takes no more items. Cancellations that have begun go on. */
  suspendBatchOperation(
    tenant: string,
    key: string,
    audit: AuditTrail | null,
    idempotency?: Idempotency | null,
  ): Promise<void>;
  resumeBatchOperation(
    tenant: string,
    key: string,
    audit: AuditTrail | null,
    idempotency?: Idempotency | null,
  ): Promise<void>;
  /** Leaves alone what was not reached. Cancellations that have begun go on. */
  cancelBatchOperation(
    tenant: string,
    key: string,
    audit: AuditTrail | null,
    idempotency?: Idempotency | null,
  ): Promise<void>;
}
