/**
 * An execution and what belongs to it: one unit of running work, of one of five kinds.
 *
 * Everything here is plain, immutable data. All times are milliseconds since the epoch, UTC; all spans are milliseconds.
 */
import type { Cancellation } from "./cancellation.ts";
import type { JsonObject } from "./json.ts";
import type { Millis } from "./time.ts";

/** The five kinds of execution. */
export const KINDS = ["process_instance", "process", "workflow_instance", "assessment", "workflow_run"] as const;
export type Kind = (typeof KINDS)[number];

/** The name of an execution within its tenant: kind and public id. */
export interface ExecutionRef {
  readonly kind: Kind;
  readonly id: string;
}

/** The name of an execution: unique in the whole store. */
export interface ExecutionKey extends ExecutionRef {
  readonly tenant: string;
}

/** The key as one text, for maps. */
export function keyOf(key: ExecutionKey): string {
  return `${key.tenant}\u0000${key.kind}\u0000${key.id}`;
}

/** Where an execution stands. The last three are terminal: none of them is ever left. */
export const STATES = ["pending", "running", "cancelling", "completed", "failed", "cancelled"] as const;
export type State = (typeof STATES)[number];

/** A worker's claim on an execution. Kept after its end, so that a worker that comes back can be recognised. */
export interface Lease {
  readonly workerId: string;
  /** The fencing token that the worker was given. Smaller than the execution's own token once a cancel has overtaken it. */
  readonly token: number;
  readonly expiresAt: Millis;
  /** How long a heartbeat extends the lease. */
  readonly duration: Millis;
  /** True once the lease has ended without a heartbeat. A heartbeat of the same worker revives it while nobody else took over. */
  readonly expired: boolean;
}

/** A listener type that must complete a job before a cancellation of the execution completes. */
interface Listener {
  readonly type: string;
  /** How often its job may be tried before the cancellation shows an incident. */
  readonly retries: number;
}

export const QUEUE_ITEM_STATES = ["pending", "executing", "completed", "cancelled"] as const;
export type QueueItemState = (typeof QUEUE_ITEM_STATES)[number];

/** A part of a process that waits in a queue or is being worked on. */
export interface QueueItem {
  readonly id: string;
  readonly state: QueueItemState;
}

/** Why an execution failed, in the words of its worker. */
export interface ExecutionError {
  readonly type: string;
  readonly message: string;
  readonly step: string;
  readonly details: JsonObject;
}

/** What registration fixes for good. */
export interface ExecutionSpec {
  /** The name of the engine that runs the work. */
  readonly engine: string;
  readonly parent: ExecutionRef | null;
  /** The topmost ancestor; null for a root. */
  readonly root: ExecutionRef | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly listeners: readonly Listener[];
  /** What is particular to the kind, as protobuf JSON. The core passes it through. */
  readonly detail: JsonObject;
  /** For workflow instances: the workflow that it is an instance of. */
  readonly workflowId: string | null;
  /** For assessments: the outcome that the template defines for a cancelled one. */
  readonly canceledOutcomeId: string | null;
  /** For processes: where to call when it ends; null: nowhere. */
  readonly callbackUrl: string | null;
}

/** One unit of running work. */
export interface Execution {
  readonly key: ExecutionKey;
  readonly spec: ExecutionSpec;
  readonly state: State;
  /**
   * The current fencing token: raised by every start and by the cancel that overtakes running work. A result is accepted only with
   * the current one.
   */
  readonly token: number;
  readonly lease: Lease | null;
  readonly queueItems: readonly QueueItem[];
  readonly result: JsonObject | null;
  readonly error: ExecutionError | null;
  /** For assessments: the outcome it came to. */
  readonly outcomeId: string | null;
  /** The current cancellation; null while none was asked for. */
  readonly cancellation: Cancellation | null;
  readonly createdAt: Millis;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
}

/** True in a state that is never left. */
export function isTerminal(state: State): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}

/**
 * True while there may be something to wait for: the execution has not ended, or its cancellation has not. A parent's turn to be stopped
 * comes when it has no live children.
 */
export function isLive(execution: Execution): boolean {
  if (!isTerminal(execution.state)) return true;
  return execution.cancellation !== null && execution.cancellation.stage !== "ended";
}

/** The execution that must be cancelled in order to stop this one and all its relatives. */
export function rootOf(execution: Execution): ExecutionRef {
  return execution.spec.root ?? { kind: execution.key.kind, id: execution.key.id };
}
