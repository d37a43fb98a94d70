/** The effects: durable instructions to the outside, written in the transaction that decides them and carried out when due. */
import type { Millis } from "./time.ts";

export type Effect =
  /** Ask the engine to stop the work. */
  | { readonly type: "request_stop"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Tell the engine to terminate the work. */
  | { readonly type: "terminate"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Ask the engine what became of the work, because the cancellation should have ended by now. */
  | { readonly type: "verify"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Timer: the time between asking and terminating. */
  | { readonly type: "force_timer"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Timer: the time that the children have before their parent's turn. */
  | { readonly type: "children_timer"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Timer: the end of a lease. */
  | { readonly type: "lease_timer"; readonly dueAt: Millis; readonly token: number }
  /** Timer: the end of a listener job's lock. */
  | { readonly type: "listener_timer"; readonly dueAt: Millis; readonly jobKey: string; readonly activation: number }
  /** Pass the cancellation on to the live children. */
  | { readonly type: "cancel_children"; readonly dueAt: Millis; readonly cancellationId: string }
  /** Tell the parent that a child was registered or has ended. */
  | { readonly type: "notify_parent"; readonly dueAt: Millis; readonly change: "registered" | "ended" }
  /** Tell the receiver at the callback URL that the execution has ended. */
  | { readonly type: "callback"; readonly dueAt: Millis };
