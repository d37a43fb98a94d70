/** The tables. Times are milliseconds since the epoch; truth values are 0 and 1; `*_json` columns hold JSON text. */
import type { ColumnType, Generated } from "kysely";
import type { BatchItemState, BatchState } from "../domain/batch_operation.ts";
import type { Outcome } from "../domain/cancellation.ts";
import type { Disposition } from "../domain/decision.ts";
import type { EventType } from "../domain/event.ts";
import type { Kind, QueueItemState, State } from "../domain/execution.ts";

export interface ExecutionTable {
  /** The row's number: what other tables refer to. */
  rid: Generated<number>;
  tenant: string;
  kind: Kind;
  id: string;
  state: State;
  /** 1 while it, or its cancellation, has not ended. */
  live: number;
  parent_rid: number | null;
  workflow_id: string | null;
  /** What registration fixes for good. */
  spec_json: ColumnType<string, string, never>;
  token: number;
  /** Who holds the lease or held it last; null if nobody ever did. */
  worker_id: string | null;
  lease_token: number | null;
  lease_expires_at: number | null;
  lease_duration: number | null;
  lease_expired: number | null;
  has_queue_items: number;
  /** The result, the error and the outcome of a finished execution. */
  ending_json: string | null;
  /** The current cancellation in full; the columns after it are copies for finding it. */
  cancellation_json: string | null;
  cancellation_id: string | null;
  cancellation_outcome: Outcome | null;
  cancellation_requested_at: number | null;
  cancellation_overdue: number | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

/** Labels, one row each, for filtering lists. */
interface LabelTable {
  name: string;
  value: string;
  execution_rid: number;
}

/** The queue items of a process. */
export interface WorkItemTable {
  execution_rid: number;
  position: number;
  id: string;
  state: QueueItemState;
}

/** The open listener job of a cancellation, for finding work by type. The job itself stands in `cancellation_json`. */
interface ListenerJobTable {
  execution_rid: number;
  tenant: string;
  type: string;
  available_at: number;
}

/** The timeline of every execution, append-only. */
export interface EventTable {
  sequence: Generated<number>;
  execution_rid: number;
  cancellation_id: string | null;
  type: EventType;
  at: number;
  attributes_json: string;
}

/** The outbox: what is owed to the outside. */
export interface EffectTable {
  id: Generated<number>;
  execution_rid: number;
  /** When it is to be carried out; while claimed, when the claim ends. */
  due_at: number;
  claimed: number;
  attempts: number;
  effect_json: string;
}

/** Commands that carry a command id, with their first answer. */
export interface CommandTable {
  execution_rid: number;
  principal: string;
  method: string;
  command_id: string;
  fingerprint: string;
  disposition: Disposition;
  /** 0 while the first caller waits for its answer. */
  answered: number;
  /** The execution as the first answer showed it. */
  execution_json: string;
  last_sequence: number;
  /** 1 if the first answer said that the cancellation flag was raised. */
  flag_raised: Generated<number>;
  /** The tenant, if the command registered an execution whose id was minted: it is found without that id. */
  minted_in: string | null;
  created_at: number;
}

export interface BatchOperationTable {
  rid: Generated<number>;
  tenant: string;
  key: string;
  /** `preparing` while its items are being written: then it is there for nobody. */
  state: BatchState | "preparing";
  /** Who asked for it. */
  principal: string;
  operation_reference: string | null;
  /** The id of the command that made it, with what it asked for; null if it had none. */
  command_id: string | null;
  fingerprint: string | null;
  created_at: number;
  started_at: number | null;
  /** Null until it is completed or cancelled. */
  ended_at: number | null;
  /** When items were taken last, so that batches take turns; 0 at first. */
  claimed_at: number;
}

/** Commands with an id that steered a batch operation. The path says all that they ask for, and they are answered without a body. */
interface BatchCommandTable {
  batch_rid: number;
  principal: string;
  method: string;
  command_id: string;
  created_at: number;
}

/** What a batch operation is to cancel: one row an execution. */
interface BatchItemTable {
  batch_rid: number;
  execution_rid: number;
  state: BatchItemState;
  /** Why it failed. */
  message: string | null;
  processed_at: number | null;
}

/** The keys that were made while the server ran. */
export interface ApiKeyTable {
  id: string;
  tenant: string;
  description: string;
  prefix: string;
  digest: string;
  scopes_json: string;
  allowed_addresses_json: string;
  rate_limit_calls: number | null;
  rate_limit_period: number | null;
  created_at: number;
  created_by: string;
  expires_at: number | null;
  revoked_at: number | null;
}

/** Random secrets of this store, by name. */
interface SecretTable {
  name: string;
  value: string;
}

/** The audit log of every tenant: append-only, each event chained to the one before. */
export interface AuditEventTable {
  tenant: string;
  number: number;
  at: number;
  action: string;
  principal: string;
  name: string;
  address: string;
  requested_by: string;
  kind: Kind | null;
  execution_id: string | null;
  reason: string;
  outcome: string;
  message: string;
  cancellation_id: string;
  request_id: string;
  count: number;
  previous_hash: string;
  hash: string;
}

/** The last event of each tenant's audit log: locked by whoever appends to it. Only PostgreSQL, where several may. */
export interface AuditHeadTable {
  tenant: string;
  number: number;
  hash: string;
}

/** The last event of each tenant's audit log that retention removed: the log begins after it. */
export interface AuditAnchorTable {
  tenant: string;
  number: number;
  hash: string;
  removed_at: number;
}

export interface Schema {
  execution: ExecutionTable;
  label: LabelTable;
  work_item: WorkItemTable;
  listener_job: ListenerJobTable;
  event: EventTable;
  effect: EffectTable;
  command: CommandTable;
  batch_operation: BatchOperationTable;
  batch_command: BatchCommandTable;
  batch_item: BatchItemTable;
  api_key: ApiKeyTable;
  secret: SecretTable;
  audit_event: AuditEventTable;
  audit_head: AuditHeadTable;
  audit_anchor: AuditAnchorTable;
}
