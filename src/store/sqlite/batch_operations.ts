/** The batch operations over SQLite. */
import type { Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import type { BatchState } from "../../domain/batch_operation.ts";
import type { ExecutionKey } from "../../domain/execution.ts";
import { Refused, refusal } from "../../domain/refusal.ts";
import type { Millis } from "../../domain/time.ts";
import { listBatchItems } from "../batch_operation_lists.ts";
import {
  type BatchRow,
  findBatch,
  hasActive,
  listBatches,
  listEnded,
  newBatchOf,
  selectItems,
} from "../batch_operation_rows.ts";
import type { BatchOperations } from "../batch_operations.ts";
import { forgetBatchCommands } from "../forget_commands.ts";
import type { Idempotency } from "../idempotency.ts";
import type { Schema } from "../schema.ts";
import type { AuditWriter } from "./audit_writer.ts";
import { type BatchStatements, prepareBatchStatements, type SteeringKey } from "./batch_statements.ts";
import { SQLITE_SEARCH } from "./search_sql.ts";
import type { Transact } from "./transact.ts";

export interface BatchOperationsOptions {
  readonly database: Database;
  readonly writing: Kysely<Schema>;
  readonly reading: Kysely<Schema>;
  readonly transact: Transact;
  readonly audit: AuditWriter;
}

export function createSqliteBatchOperations(options: BatchOperationsOptions): BatchOperations {
  const { database, writing, reading, transact, audit } = options;
  const statements = prepareBatchStatements(database, writing);

  return {
    create: (batch, filter, idempotency, now, entry) =>
      transact(() => {
        const { tenant, key, principal } = batch;
        const earlier = idempotency === null ? null : findEarlier(statements, tenant, idempotency);
        if (entry !== null) audit.append(earlier === null ? entry : { ...entry, outcome: "replayed" }, now);
        if (earlier !== null) return earlier.key;
        const rid = statements.insertBatch.run({
          tenant,
          key,
          principal,
          operation_reference: batch.operationReference,
          command_id: idempotency?.commandId ?? null,
          fingerprint: idempotency?.fingerprint ?? null,
          created_at: now,
        });
        const items = selectItems(writing, SQLITE_SEARCH, rid, tenant, filter).compile();
        const { changes } = database.prepare(items.sql).run(...items.parameters);
        if (changes === 0) statements.finishBatches.run({ now });
        return key;
      }),

    find: (tenant, key) => findBatch(reading, tenant, key),

    list: (tenant, filter, slice) => listBatches(reading, tenant, filter, slice),

    listItems: (tenant, filter, slice) => listBatchItems(reading, tenant, filter, slice),

    change: (tenant, key, { from, to }, idempotency, now, entry) =>
      transact(() => {
        const row = statements.findBatch.get({ tenant, key });
        if (row === undefined) return false;
        const steering = idempotency === null ? null : steeringOf(row.rid, idempotency);
        const isRepeated = isKnown(statements, steering);
        if (!isRepeated && !from.includes(row.state)) return false;
        if (!isRepeated) steer(statements, row.rid, to, steering, now);
        if (entry !== null) audit.append(isRepeated ? { ...entry, outcome: "replayed" } : entry, now);
        return true;
      }),

    forgetCommands: (before, limit) => forgetBatchCommands(writing, before, limit),

    claim: (limit, now) =>
      transact(() => {
        const row = statements.findNextBatch.get({});
        if (row === undefined) {
          // One that was resumed may have had nothing left to do.
          statements.finishBatches.run({ now });
          return null;
        }
        const items = statements.listPendingItems.all({ rid: row.rid, limit });
        for (const { execution_rid } of items) statements.activateItem.run({ rid: row.rid, execution_rid });
        statements.startBatch.run({ rid: row.rid, now });
        return {
          batch: newBatchOf(row),
          keys: items.map(({ tenant, kind, id }): ExecutionKey => ({ tenant, kind, id })),
        };
      }),

    settle: (ended, now) =>
      transact(() => {
        for (const { key, end } of ended) {
          statements.settleItem.run({ tenant: key.tenant, kind: key.kind, id: key.id, ...end, now });
        }
        statements.finishBatches.run({ now });
      }),

    release: (now, takenBefore) =>
      transact(() => {
        const latest = takenBefore ?? Number.MAX_SAFE_INTEGER;
        statements.cancelUntouchedItems.run({ now, latest });
        statements.releaseUntouchedItems.run({ latest });
      }),

    listEnded: (limit) => listEnded(reading, limit),

    hasActive: () => hasActive(reading),
  };
}

/** @param steering the command that asks for it, to be known again; null if it has no id */
function steer(
  statements: BatchStatements,
  rid: number,
  to: BatchState,
  steering: SteeringKey | null,
  now: Millis,
): void {
  if (steering !== null) statements.insertSteering.run({ ...steering, created_at: now });
  statements.changeState.run({ rid, state: to, ended_at: to === "cancelled" ? now : null });
  if (to === "cancelled") statements.cancelPendingItems.run({ rid, now });
}

function isKnown({ findSteering }: BatchStatements, steering: SteeringKey | null): boolean {
  return steering !== null && findSteering.get(steering) !== undefined;
}

function steeringOf(rid: number, { principal, method, commandId }: Idempotency): SteeringKey {
  return { batch_rid: rid, principal, method, command_id: commandId };
}

/** The batch operation that the same command made before. */
function findEarlier(statements: BatchStatements, tenant: string, idempotency: Idempotency): BatchRow | null {
  const { principal, commandId, fingerprint } = idempotency;
  const earlier = statements.findCommand.get({ tenant, principal, command_id: commandId });
  if (earlier === undefined) return null;
  if (earlier.fingerprint === fingerprint) return earlier;
  const message = `command id '${commandId}' was used before with another request; use a new one`;
  throw new Refused(refusal("idempotency_key_reused", message, { command_id: commandId }));
}
