/** The store, as the service sees it: one write path, reads, and the outbox of effects. */
import type { Cancellation, Outcome } from "../domain/cancellation.ts";
import type { Command } from "../domain/command.ts";
import type { Execution, ExecutionKey, ExecutionRef, Kind, State } from "../domain/execution.ts";
import type { Heard } from "../domain/heard.ts";
import type { Millis } from "../domain/time.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { Applied, StoredEffect, StoredEvent } from "./applied.ts";
import type { AuditCall, AuditLog } from "./audit.ts";
import type { BatchOperations } from "./batch_operations.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Notices } from "./notices.ts";
import type { Page, PageRequest } from "./page.ts";
import type { FoundProcessInstances, ProcessInstanceSearch } from "./process_instance_search.ts";
import type { Pruning } from "./pruning.ts";
import type { CommandTable } from "./schema.ts";
import type { StoreHealth } from "./store_health.ts";

export type { Applied, Replay, StoredEffect, StoredEvent } from "./applied.ts";
export type { Idempotency } from "./idempotency.ts";
export type { Page, PageRequest } from "./page.ts";

/** A command on its way to be decided. */
export interface Envelope {
  readonly key: ExecutionKey;
  readonly command: Command;
  readonly idempotency: Idempotency | null;
  /** The effect that this command carries out: removed in the same transaction. */
  readonly effectId: number | null;
  /** Who asks, for the audit log, where what was decided is written down in the same transaction. Null: nobody has to answer for it. */
  readonly audit: AuditCall | null;
  /** A heartbeat of the execution that may not be stored yet. Left out: there is none. */
  readonly heard?: Heard | undefined;
}

/** What a replay shows. */
export interface KeptAnswer {
  readonly execution: Execution;
  /** The sequence of the last event of the timeline. */
  readonly lastSequence: number;
  /** Whether the cancellation flag was raised, for workers that look there. */
  readonly flagRaised: boolean;
}

/** A command's place in the order of age. */
export type CommandPlace = Pick<CommandTable, "created_at" | "execution_rid" | "principal" | "method" | "command_id">;

export interface ExecutionFilter {
  readonly kind: Kind;
  /** Empty: all. */
  readonly states: readonly State[];
  readonly labels: Readonly<Record<string, string>>;
  readonly parent: ExecutionRef | null;
  readonly createdAfter: Millis | null;
  readonly createdBefore: Millis | null;
  /** For workflow instances: only those of this workflow. */
  readonly workflowId: string | null;
}

export interface CancellationFilter {
  readonly kind: Kind | null;
  readonly execution: ExecutionRef | null;
  readonly outcome: Outcome | null;
  readonly overdueOnly: boolean;
  readonly requestedAfter: Millis | null;
  readonly requestedBefore: Millis | null;
}

/** A page by its number, for the lists of products whose clients ask so. */
export interface NumberedPageRequest {
  readonly size: number;
  /** 0: the first one. */
  readonly number: number;
}

export interface NumberedPage<T> {
  readonly items: readonly T[];
  /** On all pages together. */
  readonly total: number;
}

/** A page before or after a known item, for the lists of products whose clients ask so. */
export interface WindowRequest {
  readonly order: "newest_first" | "oldest_first";
  readonly size: number;
  /** Where the window begins or ends, without this item: its id. Null: at the beginning of the list. */
  readonly cursor: { readonly side: "after" | "before"; readonly id: string } | null;
}

export interface Window<T> {
  readonly items: readonly T[];
  /** Whether the list goes on before and after the window. */
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

/** An execution whose cancellation is known to be there. */
export interface CancelledExecution {
  readonly execution: Execution;
  readonly cancellation: Cancellation;
}

/** How far the timeline of an execution goes. */
export interface LastSequence {
  readonly key: ExecutionKey;
  readonly sequence: number;
}

export interface EventFilter {
  readonly key: ExecutionKey;
  /** Only those of this cancellation. Null: all of the execution. */
  readonly cancellationId: string | null;
  readonly afterSequence: number;
  /** Only up to this sequence. Null: to the last. */
  readonly upToSequence: number | null;
  readonly limit: number;
}

export interface Store {
  /**
   * Decides a batch of commands in order and writes what changed, in one transaction. Resolves once it is durable, with one result a
   * command. Rejects without having changed anything.
   */
  apply(envelopes: readonly Envelope[], now: Millis): Promise<readonly Applied[]>;
  /** True if batches that are under way together are decided, committed and answered in the order in which they were given. */
  readonly decidesInOrder: boolean;
  /** Keeps the answer that a waiting caller gets, for the replays of its command. Resolves with the one that was kept first. */
  recordAnswer(key: ExecutionKey, idempotency: Idempotency, answer: KeptAnswer): Promise<KeptAnswer>;
  /** The answer to a command with an id; null if it has none yet, or is forgotten. */
  findAnswer(key: ExecutionKey, idempotency: Idempotency): Promise<KeptAnswer | null>;
  /**
   * Forgets command ids that were used before `before`, the oldest first: of the next `limit` commands after `place` (null: from the
   * first one on), those whose callers have all been answered. Resolves with the place of the last one that it looked at; null: that was
   * all of them.
   */
  forgetCommands(before: Millis, place: CommandPlace | null, limit: number): Promise<CommandPlace | null>;

  findExecution(key: ExecutionKey): Promise<Execution | null>;
  findCancellation(tenant: string, cancellationId: string): Promise<CancelledExecution | null>;
  /** Newest first. */
  listExecutions(tenant: string, filter: ExecutionFilter, page: PageRequest): Promise<Page<Execution>>;
  searchProcessInstances(tenant: string, search: ProcessInstanceSearch): Promise<FoundProcessInstances>;
  /** The instances of a workflow by page number, newest first. */
  listInstancesOfWorkflow(
    tenant: string,
    workflowId: string,
    page: NumberedPageRequest,
  ): Promise<NumberedPage<Execution>>;
  /** Executions before or after a known one; null if there is none with its id. */
  listWindow(tenant: string, kind: Kind, window: WindowRequest): Promise<Window<Execution> | null>;
  /** Newest first. */
  listCancellations(tenant: string, filter: CancellationFilter, page: PageRequest): Promise<Page<CancelledExecution>>;
  /** Oldest first. */
  listEvents(filter: EventFilter): Promise<readonly StoredEvent[]>;
  /** The sequence of the latest event of each execution that is registered, and has one. */
  lastSequences(keys: readonly ExecutionKey[]): Promise<readonly LastSequence[]>;
  /** The sequence of the latest event of the store; 0 if there is none. */
  lastSequence(): Promise<number>;
  /** The live executions whose lease the worker holds, or held last. */
  listHeldBy(tenant: string, workerId: string): Promise<readonly Execution[]>;
  /** Executions with a listener job of one of the types that can be taken now, the longest waiting first. */
  listOpenListenerJobs(
    tenant: string,
    types: readonly string[],
    now: Millis,
    limit: number,
  ): Promise<readonly CancelledExecution[]>;
  /** When the next listener job of one of the types can be taken; null if there is none. */
  nextListenerJobAt(tenant: string, types: readonly string[]): Promise<Millis | null>;
  /** The live children of an execution in a fixed order, after the given one. */
  listLiveChildren(parent: ExecutionKey, after: ExecutionKey | null, limit: number): Promise<readonly ExecutionKey[]>;

  readonly batchOperations: BatchOperations;
  readonly apiKeys: ApiKeys;
  readonly audit: AuditLog;
  readonly pruning: Pruning;
  readonly health: StoreHealth;
  /** Null: no other process has the store open. */
  readonly notices: Notices | null;

  /** Takes effects that are due, for nobody else to take until `until`. */
  claimEffects(now: Millis, until: Millis, limit: number): Promise<readonly StoredEffect[]>;
  /** Makes a claimed effect due again at `dueAt`. */
  postponeEffect(id: number, dueAt: Millis, attempts: number): Promise<void>;
  /** Makes claimed effects that were not tried due again at `dueAt`. */
  returnEffects(ids: readonly number[], dueAt: Millis): Promise<void>;
  /** Removes an effect that is done or matters no more. */
  dropEffect(id: number): Promise<void>;
  /** When the next effect is due; null if none is owed. */
  nextEffectAt(): Promise<Millis | null>;

  close(): Promise<void>;
}
