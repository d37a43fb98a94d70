/** The commands: everything that can happen to one execution. Each is decided by `decide`, and by nothing else. */
import type { RequestedBy, Strategy } from "./cancellation.ts";
import type { ExecutionError, ExecutionSpec, QueueItem } from "./execution.ts";
import type { JsonObject } from "./json.ts";
import type { Millis } from "./time.ts";

/** A worker's wish to run an execution. */
export interface Claim {
  readonly workerId: string;
  readonly leaseDuration: Millis;
}

export interface Register {
  readonly type: "register";
  /** All but the root, which follows from the parent. */
  readonly spec: Omit<ExecutionSpec, "root">;
  readonly queueItems: readonly QueueItem[];
  /** Starts the execution at once. */
  readonly claim: Claim | null;
}

export interface Start {
  readonly type: "start";
  readonly claim: Claim;
}

export interface Heartbeat {
  readonly type: "heartbeat";
  readonly token: number;
}

export interface Complete {
  readonly type: "complete";
  /** The token of the lease; 0 for work that no worker holds. */
  readonly token: number;
  readonly result: JsonObject | null;
  readonly outcomeId: string | null;
}

export interface Fail {
  readonly type: "fail";
  /** The token of the lease; 0 for work that no worker holds. */
  readonly token: number;
  readonly error: ExecutionError;
}

export interface Cancel {
  readonly type: "cancel";
  /** The id of the cancellation, should this command begin one. */
  readonly cancellationId: string;
  readonly strategy: Strategy;
  readonly forceAfter: Millis;
  readonly reason: string;
  readonly requestedBy: RequestedBy | null;
  /** The parent's cancellation, if this one comes down from it. */
  readonly parentCancellationId: string | null;
  /** A number by which the caller finds this request in the events. */
  readonly operationReference: string | null;
}

/** The worker saw that its work has stopped. */
export interface ReportStopped {
  readonly type: "report_stopped";
  readonly token: number;
  readonly evidence: string;
}

export interface ActivateListenerJob {
  readonly type: "activate_listener_job";
  readonly jobKey: string;
  readonly workerId: string;
  readonly lock: Millis;
}

export interface CompleteListenerJob {
  readonly type: "complete_listener_job";
  readonly jobKey: string;
  readonly activation: number;
}

export interface FailListenerJob {
  readonly type: "fail_listener_job";
  readonly jobKey: string;
  readonly activation: number;
  /** How often it may be tried again; null: one less than before. */
  readonly retries: number | null;
  readonly message: string;
  readonly backoff: Millis;
}

export interface ResolveIncident {
  readonly type: "resolve_incident";
  readonly cancellationId: string;
  readonly retries: number;
}

/** A stop or a terminate reached the worker or the engine. */
export interface SignalDelivered {
  readonly type: "signal_delivered";
  readonly cancellationId: string;
  readonly signal: "stop" | "terminate";
}

/** A stop or a terminate did not reach the engine. */
export interface SignalFailed {
  readonly type: "signal_failed";
  readonly cancellationId: string;
  readonly signal: "stop" | "terminate";
  /** True if the engine refused for good; false if another attempt will follow. */
  readonly permanent: boolean;
  /** The engine's own words. */
  readonly message: string;
}

/** What an engine says an execution is doing. */
export interface EngineStatus {
  readonly status: "running" | "completed" | "failed" | "cancelled" | "unknown";
  /** For people: what is known, and since when. */
  readonly detail: string;
}

/** The engine was asked what became of the work. */
export interface Verified {
  readonly type: "verified";
  readonly cancellationId: string;
  readonly engineStatus: EngineStatus;
}

/** The time between asking and terminating has passed. */
export interface ForceDue {
  readonly type: "force_due";
  readonly cancellationId: string;
}

/** The time that the children had to end before their parent's turn has passed. */
export interface ChildrenDue {
  readonly type: "children_due";
  readonly cancellationId: string;
}

/** A child was registered or has ended. */
export interface ChildrenChanged {
  readonly type: "children_changed";
  readonly change: "registered" | "ended";
}

/** The lock of a listener job has ended. */
export interface ListenerLockDue {
  readonly type: "listener_lock_due";
  readonly jobKey: string;
  readonly activation: number;
}

/** The lease should have ended by now, unless heartbeats came. */
export interface LeaseDue {
  readonly type: "lease_due";
  readonly token: number;
}

/** The callback reached its receiver, or was given up. */
export interface CallbackSettled {
  readonly type: "callback_settled";
  readonly delivered: boolean;
  /** How often it was tried. */
  readonly attempts: number;
  /** What the receiver answered at last. */
  readonly message: string;
}

export type Command =
  | Register
  | Start
  | Heartbeat
  | Complete
  | Fail
  | Cancel
  | ReportStopped
  | ActivateListenerJob
  | CompleteListenerJob
  | FailListenerJob
  | ResolveIncident
  | SignalDelivered
  | SignalFailed
  | Verified
  | ForceDue
  | ChildrenDue
  | ChildrenChanged
  | ListenerLockDue
  | LeaseDue
  | CallbackSettled;

export type CommandType = Command["type"];

/** The command of a given type. */
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;
