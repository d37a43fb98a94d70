/** A cancellation: one request to stop an execution, and how far it is. */
import type { JsonObject } from "./json.ts";
import type { Millis } from "./time.ts";

/** How the work is stopped, from the weakest to the strongest. */
export const STRATEGIES = ["soft", "soft_then_force", "hard"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Whether the work is proven to have stopped. `lost` becomes `confirmed` if the worker comes back and reports. */
export const STOP_PROOFS = ["none", "pending", "confirmed", "lost"] as const;
export type StopProof = (typeof STOP_PROOFS)[number];

/**
 * What the cancellation waits for, in this order: the children to end, the work to stop (asked, then terminated), the listeners to
 * complete. A stage with nothing to wait for is passed over. Listeners come after the stop, so that a broken listener never delays the
 * stop, and cleanup never races the running work.
 */
export const STAGES = ["children", "stopping", "terminating", "listeners", "ended"] as const;
export type Stage = (typeof STAGES)[number];

export const OUTCOMES = ["pending", "cancelled", "finished_first", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** How far the termination of active work is. */
export const TERMINATIONS = ["not_needed", "pending", "issued", "failed"] as const;
export type Termination = (typeof TERMINATIONS)[number];

type ListenerJobState = "available" | "activated" | "incident";

/** The job of the listener whose turn it is. There is at most one at a time: listeners run one after another. */
export interface ListenerJob {
  /** Unique in the store: the cancellation's id and the listener's place. */
  readonly key: string;
  /** The listener's place in the execution's list. */
  readonly index: number;
  readonly type: string;
  readonly state: ListenerJobState;
  /** How often it may still be tried, the current try included. */
  readonly retries: number;
  /** Raised by every activation; fences late completions. */
  readonly activation: number;
  /** The worker that holds it, while activated. */
  readonly workerId: string | null;
  /** When it may be taken: at once, after a backoff, or, while activated, when the lock ends. */
  readonly availableAt: Millis;
  /** What its worker said last when it failed. */
  readonly message: string;
}

/** Who asked for something. */
export interface RequestedBy {
  readonly system: string;
  readonly user: string;
  readonly metadata: JsonObject;
}

export interface Cancellation {
  readonly id: string;
  readonly strategy: Strategy;
  /** For `soft_then_force`: the span between asking and terminating. */
  readonly forceAfter: Millis;
  readonly reason: string;
  readonly requestedBy: RequestedBy | null;
  readonly requestedAt: Millis;
  /** The cancellation of the parent that this one is a part of. */
  readonly parentCancellationId: string | null;
  readonly stage: Stage;
  readonly outcome: Outcome;
  readonly proof: StopProof;
  readonly termination: Termination;
  /** True once the stop request has reached the worker or the engine. */
  readonly stopDelivered: boolean;
  /** When the work is or was terminated; null while that time is not known, and for `soft`. */
  readonly forceAt: Millis | null;
  readonly listenerJob: ListenerJob | null;
  /** When an incident was raised for the listener job; null without one. */
  readonly incidentAt: Millis | null;
  /** What an overdue cancellation waits for; null while it is not overdue. */
  readonly overdueReason: string | null;
  /** The engine's own words, if the outcome is `failed`. */
  readonly failure: string | null;
  readonly endedAt: Millis | null;
}

/** True if `next` stops the work by stronger means than `current`. */
export function isStronger(next: Strategy, current: Strategy): boolean {
  return STRATEGIES.indexOf(next) > STRATEGIES.indexOf(current);
}

/** The key of a cancellation's listener job. */
export function listenerJobKey(cancellationId: string, index: number): string {
  return `${cancellationId}:${index}`;
}

/** The cancellation that a listener job's key belongs to; null if the key has another shape. */
export function cancellationOfJobKey(jobKey: string): string | null {
  const separator = jobKey.lastIndexOf(":");
  return separator > 0 ? jobKey.slice(0, separator) : null;
}
