/** The events: what happened to an execution, as its timeline keeps it. */
import type { Millis } from "./time.ts";

export type EventType =
  | "registered"
  | "started"
  | "completed"
  | "failed"
  | "lease_expired"
  | "lease_renewed"
  | "result_refused"
  | "cancellation_requested"
  | "cancellation_joined"
  | "cancellation_escalated"
  | "queue_items_cancelled"
  | "children_cancelling"
  | "children_ended"
  | "children_overdue"
  | "stop_requested"
  | "stop_delivered"
  | "terminate_requested"
  | "terminate_delivered"
  | "stop_confirmed"
  | "stop_lost"
  | "overdue"
  | "listener_job_created"
  | "listener_job_activated"
  | "listener_job_completed"
  | "listener_job_failed"
  | "listener_job_timed_out"
  | "incident_raised"
  | "incident_resolved"
  | "cancellation_ended"
  | "engine_unreachable"
  | "callback_delivered"
  | "callback_failed";

/** Particulars of an event; keys are in snake_case. */
export type EventAttributes = Readonly<Record<string, string>>;

export interface Event {
  readonly type: EventType;
  readonly at: Millis;
  /** The cancellation it belongs to; null if it belongs to none. */
  readonly cancellationId: string | null;
  readonly attributes: EventAttributes;
}

/** A sentence for people that says what happened. */
export function describeEvent(type: EventType, a: EventAttributes): string {
  switch (type) {
    case "registered":
      return "registered";
    case "started":
      return `started by worker ${a["worker_id"]}`;
    case "completed":
      return "completed";
    case "failed":
      return `failed: ${a["message"]}`;
    case "lease_expired":
      return `the lease of worker ${a["worker_id"]} ended without a heartbeat`;
    case "lease_renewed":
      return `worker ${a["worker_id"]} came back`;
    case "result_refused":
      return "a result came after the cancellation and was refused";
    case "cancellation_requested":
      return `cancellation requested (${a["strategy"]})${a["reason"] ? `: ${a["reason"]}` : ""}`;
    case "cancellation_joined":
      return "the same was asked again and joined";
    case "cancellation_escalated":
      return `escalated from ${a["from"]} to ${a["strategy"]}`;
    case "queue_items_cancelled":
      return `pending queue items cancelled: ${a["ids"]}`;
    case "children_cancelling":
      return "the children are stopped first";
    case "children_ended":
      return "the children have ended";
    case "children_overdue":
      return "the children did not end in time; going on without them";
    case "stop_requested":
      return `asking worker ${a["worker_id"]} to stop`;
    case "stop_delivered":
      return "the stop request was delivered";
    case "terminate_requested":
      return `terminating (${a["cause"]})`;
    case "terminate_delivered":
      return "the terminate was delivered";
    case "stop_confirmed":
      return `the work has stopped${a["evidence"] ? `: ${a["evidence"]}` : ""}`;
    case "stop_lost":
      return `no proof of the stop: ${a["cause"]}`;
    case "overdue":
      return `overdue: ${a["reason"]}`;
    case "listener_job_created":
      return `waiting for listener ${a["listener_type"]}`;
    case "listener_job_activated":
      return `listener ${a["listener_type"]} taken by worker ${a["worker_id"]}`;
    case "listener_job_completed":
      return `listener ${a["listener_type"]} completed`;
    case "listener_job_failed":
      return `listener ${a["listener_type"]} failed, ${a["retries"]} retries left: ${a["message"]}`;
    case "listener_job_timed_out":
      return `listener ${a["listener_type"]} was kept too long by worker ${a["worker_id"]}`;
    case "incident_raised":
      return `listener ${a["listener_type"]} ran out of retries: ${a["message"]}`;
    case "incident_resolved":
      return `an operator gave listener ${a["listener_type"]} ${a["retries"]} retries`;
    case "cancellation_ended":
      return `cancellation ended: ${a["outcome"]} (stop proof: ${a["proof"]})`;
    case "engine_unreachable":
      return `could not be delivered yet: ${a["message"]}`;
    case "callback_delivered":
      return `the callback was delivered: ${a["message"]}`;
    case "callback_failed":
      return `the callback was given up after attempt ${a["attempts"]}: ${a["message"]}`;
  }
}
