/** Between rows and the domain's data. The same over every database. */
import type { Insertable, Selectable } from "kysely";
import type { Effect } from "../domain/effect.ts";
import type { EventAttributes } from "../domain/event.ts";
import {
  type Execution,
  type ExecutionError,
  type ExecutionKey,
  isLive,
  type Lease,
  type QueueItem,
} from "../domain/execution.ts";
import type { JsonObject } from "../domain/json.ts";
import { cancellationJsonOf, cancellationOf, specJsonOf, specOf } from "./row_json.ts";
import type { EffectTable, EventTable, ExecutionTable } from "./schema.ts";
import type { StoredEffect, StoredEvent } from "./store.ts";

export type ExecutionRow = Selectable<ExecutionTable>;

/** The columns that change after registration. */
export type MutableColumns = Omit<
  Insertable<ExecutionTable>,
  "rid" | "tenant" | "kind" | "id" | "parent_rid" | "workflow_id" | "spec_json" | "has_queue_items" | "created_at"
>;

/** Those of them that an execution is read from. */
const READ_MUTABLE_COLUMNS = [
  "state",
  "token",
  "worker_id",
  "lease_token",
  "lease_expires_at",
  "lease_duration",
  "lease_expired",
  "ending_json",
  "cancellation_json",
  "cancellation_id",
  "cancellation_requested_at",
  "started_at",
  "ended_at",
] as const satisfies readonly (keyof MutableColumns)[];

/** All of them: the others are there to be searched by. */
export const MUTABLE_COLUMNS = [
  ...READ_MUTABLE_COLUMNS,
  "live",
  "cancellation_outcome",
  "cancellation_overdue",
] as const satisfies readonly (keyof MutableColumns)[];

/** What an execution is read from, beside its key. */
export const READ_COLUMNS = [
  "spec_json",
  "created_at",
  ...READ_MUTABLE_COLUMNS,
] as const satisfies readonly (keyof ExecutionRow)[];

export type ReadColumns = Pick<ExecutionRow, (typeof READ_COLUMNS)[number]>;

/** The columns that registration fixes for good. */
export type FixedColumns = Omit<Insertable<ExecutionTable>, keyof MutableColumns | "rid">;

interface Ending {
  readonly result: JsonObject | null;
  readonly error: ExecutionError | null;
  readonly outcomeId: string | null;
}

const NO_ENDING: Ending = { result: null, error: null, outcomeId: null };

/** Reads an execution. `queueItems` in their order; empty where the row says that there are none. */
export function executionOf(row: ReadColumns & ExecutionKey, queueItems: readonly QueueItem[]): Execution {
  return namedExecutionOf({ tenant: row.tenant, kind: row.kind, id: row.id }, row, queueItems);
}

/** The same for whoever asked for it by its key. */
export function namedExecutionOf(key: ExecutionKey, row: ReadColumns, queueItems: readonly QueueItem[]): Execution {
  const ending: Ending = row.ending_json === null ? NO_ENDING : JSON.parse(row.ending_json);
  return {
    key,
    spec: specOf(row.spec_json),
    state: row.state,
    token: row.token,
    lease: leaseOf(row),
    queueItems,
    result: ending.result,
    error: ending.error,
    outcomeId: ending.outcomeId,
    cancellation: cancellationOf(row),
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

function leaseOf(row: ReadColumns): Lease | null {
  const { worker_id, lease_token, lease_expires_at, lease_duration } = row;
  if (worker_id === null || lease_token === null || lease_expires_at === null || lease_duration === null) return null;
  return {
    workerId: worker_id,
    token: lease_token,
    expiresAt: lease_expires_at,
    duration: lease_duration,
    expired: row.lease_expired === 1,
  };
}

export function mutableColumnsOf(execution: Execution): MutableColumns {
  const { lease, cancellation, result, error, outcomeId } = execution;
  const ending: Ending | null =
    result === null && error === null && outcomeId === null ? null : { result, error, outcomeId };
  return {
    state: execution.state,
    live: isLive(execution) ? 1 : 0,
    token: execution.token,
    worker_id: lease?.workerId ?? null,
    lease_token: lease?.token ?? null,
    lease_expires_at: lease?.expiresAt ?? null,
    lease_duration: lease?.duration ?? null,
    lease_expired: lease === null ? null : Number(lease.expired),
    ending_json: ending === null ? null : JSON.stringify(ending),
    cancellation_json: cancellation === null ? null : cancellationJsonOf(cancellation),
    cancellation_id: cancellation?.id ?? null,
    cancellation_outcome: cancellation?.outcome ?? null,
    cancellation_requested_at: cancellation?.requestedAt ?? null,
    cancellation_overdue: cancellation === null ? null : Number(cancellation.overdueReason !== null),
    started_at: execution.startedAt,
    ended_at: execution.endedAt,
  };
}

export function fixedColumnsOf(execution: Execution, parentRid: number | null): FixedColumns {
  return {
    tenant: execution.key.tenant,
    kind: execution.key.kind,
    id: execution.key.id,
    parent_rid: parentRid,
    workflow_id: execution.spec.workflowId,
    spec_json: specJsonOf(execution.spec),
    has_queue_items: execution.queueItems.length > 0 ? 1 : 0,
    created_at: execution.createdAt,
  };
}

export function eventOf(row: Selectable<EventTable>, key: ExecutionKey): StoredEvent {
  const attributes: EventAttributes = JSON.parse(row.attributes_json);
  return { sequence: row.sequence, key, type: row.type, at: row.at, cancellationId: row.cancellation_id, attributes };
}

export function effectOf(
  row: Pick<Selectable<EffectTable>, "id" | "attempts" | "effect_json">,
  key: ExecutionKey,
): StoredEffect {
  const effect: Effect = JSON.parse(row.effect_json);
  return { id: row.id, key, effect, attempts: row.attempts };
}
