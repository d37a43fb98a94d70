/** What is written about batch operations, over SQLite. */
import type { Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import type { BatchState } from "../../domain/batch_operation.ts";
import type { Millis } from "../../domain/time.ts";
import { forgetBatchCommands } from "../forget_commands.ts";
import type { Idempotency } from "../idempotency.ts";
import type { Schema } from "../schema.ts";
import type { AuditWriter } from "./audit_writer.ts";
import { type BatchStatements, prepareBatchStatements, type SteeringKey } from "./batch_statements.ts";
import type { BatchWriter } from "./batch_writer.ts";
import { cancelNext } from "./cancel_next.ts";
import { batchMaking } from "./create_batch.ts";
import type { Transact } from "./transact.ts";
import type { BatchOperationWrites } from "./writer.ts";

export interface BatchOperationsOptions {
  readonly database: Database;
  readonly writing: Kysely<Schema>;
  readonly transact: Transact;
  readonly audit: AuditWriter;
  readonly batches: BatchWriter;
}

export function createBatchOperationWrites(options: BatchOperationsOptions): BatchOperationWrites {
  const { database, writing, transact, audit, batches } = options;
  const statements = prepareBatchStatements(database, writing);
  const making = batchMaking({ database, writing, statements, transact, audit });

  return {
    create: making.create,

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

    cancelNext: cancelNext({ statements, transact, batches }),

    settle: (ended, now) =>
      transact(() => {
        for (const { key, end } of ended) {
          statements.settleItem.run({ tenant: key.tenant, kind: key.kind, id: key.id, ...end, now });
        }
        statements.finishBatches.run({ now });
      }),

    release: async (now) => {
      await making.removeUnfinished();
      await transact(() => {
        statements.cancelUntouchedItems.run({ now });
        statements.releaseUntouchedItems.run({});
      });
    },
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
