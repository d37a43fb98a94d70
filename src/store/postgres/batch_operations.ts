/** The batch operations over PostgreSQL. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { ItemEnd } from "../../domain/batch_operation.ts";
import type { ExecutionKey } from "../../domain/execution.ts";
import { Refused, refusal } from "../../domain/refusal.ts";
import type { Millis } from "../../domain/time.ts";
import type { AuditEntry } from "../audit.ts";
import { batchOperationReads } from "../batch_operation_reads.ts";
import { ACTIVE, type BatchRow, selectItems, selectSeen, untouched } from "../batch_operation_rows.ts";
import type { BatchOperations } from "../batch_operations.ts";
import { forgetBatchCommands } from "../forget_commands.ts";
import type { Idempotency } from "../idempotency.ts";
import type { Schema } from "../schema.ts";
import { appendAudit } from "./append_audit.ts";
import { type CancelNextOptions, cancelNext } from "./cancel_next.ts";
import { type ColumnTypes, tableOf } from "./columns.ts";
import { retryingConflicts } from "./conflicts.ts";
import { finishBatches } from "./finish_batches.ts";
import { POSTGRES_SEARCH } from "./search_sql.ts";

/** @param writing how the cancels of items are written */
export function createPostgresBatchOperations(db: Kysely<Schema>, writing: CancelNextOptions): BatchOperations {
  const transact = <T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> =>
    retryingConflicts(() => db.transaction().execute(work));

  return {
    create: (batch, filter, idempotency, now, entry) =>
      transact(async (transaction) => {
        const { tenant, key, principal } = batch;
        const earlier = idempotency === null ? null : await findEarlier(transaction, tenant, idempotency);
        await record(transaction, entry, earlier !== null, now);
        if (earlier !== null) return earlier.key;
        const { rid } = await transaction
          .insertInto("batch_operation")
          .values({
            tenant,
            key,
            state: "created",
            principal,
            operation_reference: batch.operationReference,
            command_id: idempotency?.commandId ?? null,
            fingerprint: idempotency?.fingerprint ?? null,
            created_at: now,
            started_at: null,
            ended_at: null,
            claimed_at: 0,
          })
          .returning("rid")
          .executeTakeFirstOrThrow();
        const added = await selectItems(transaction, POSTGRES_SEARCH, rid, tenant, filter).executeTakeFirst();
        if (added.numInsertedOrUpdatedRows === 0n) await finishBatches(transaction, now);
        return key;
      }),

    ...batchOperationReads(db),

    change: (tenant, key, { from, to }, idempotency, now, entry) =>
      transact(async (transaction) => {
        const row = await selectSeen(transaction)
          .where("tenant", "=", tenant)
          .where("key", "=", key)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) return false;
        if (idempotency !== null && (await isRepeated(transaction, row.rid, idempotency))) {
          await record(transaction, entry, true, now);
          return true;
        }
        if (!from.includes(row.state)) return false;
        if (idempotency !== null) await keepSteering(transaction, row.rid, idempotency, now);
        await transaction
          .updateTable("batch_operation")
          .set({ state: to, ended_at: to === "cancelled" ? now : null })
          .where("rid", "=", row.rid)
          .execute();
        if (to === "cancelled") await cancelPendingItems(transaction, row.rid, now);
        await record(transaction, entry, false, now);
        return true;
      }),

    forgetCommands: (before, limit) => forgetBatchCommands(db, before, limit),

    cancelNext: cancelNext(db, writing),

    settle: (ended, now) =>
      transact(async (transaction) => {
        if (ended.length > 0) {
          const rows = ended.map(
            ({ key, end }): SettledColumns => ({ ...key, state: end.state, message: end.message }),
          );
          await sql`
            update batch_item set state = ended.state, message = ended.message, processed_at = ${now}
            from ${tableOf("ended", SETTLED_COLUMNS, rows)}, execution
            where execution.tenant = ended.tenant and execution.kind = ended.kind and execution.id = ended.id
              and batch_item.execution_rid = execution.rid and batch_item.state = 'active'
          `.execute(transaction);
        }
        await finishBatches(transaction, now);
      }),

    release: (now) =>
      transact(async (transaction) => {
        await transaction
          .updateTable("batch_item")
          .set({ state: "cancelled", processed_at: now })
          .where("state", "=", ACTIVE)
          .where((eb) => eb.exists(untouched(eb)))
          .where("batch_rid", "in", (eb) =>
            eb.selectFrom("batch_operation").select("rid").where("state", "=", "cancelled"),
          )
          .execute();
        await transaction
          .updateTable("batch_item")
          .set({ state: "pending" })
          .where("state", "=", ACTIVE)
          .where((eb) => eb.exists(untouched(eb)))
          .execute();
      }),
  };
}

type SettledColumns = ExecutionKey & Pick<ItemEnd, "state" | "message">;

const SETTLED_COLUMNS: ColumnTypes<SettledColumns> = {
  tenant: "text",
  kind: "text",
  id: "text",
  state: "text",
  message: "text",
};

async function record(
  db: Transaction<Schema>,
  entry: AuditEntry | null,
  isReplay: boolean,
  now: Millis,
): Promise<void> {
  if (entry !== null) await appendAudit(db, [isReplay ? { ...entry, outcome: "replayed" } : entry], now);
}

/** The batch operation that the same command made before. */
async function findEarlier(
  db: Transaction<Schema>,
  tenant: string,
  { principal, commandId, fingerprint }: Idempotency,
): Promise<BatchRow | null> {
  const earlier = await db
    .selectFrom("batch_operation")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("principal", "=", principal)
    .where("command_id", "=", commandId)
    .executeTakeFirst();
  if (earlier === undefined) return null;
  if (earlier.fingerprint === fingerprint) return earlier;
  const message = `command id '${commandId}' was used before with another request; use a new one`;
  throw new Refused(refusal("idempotency_key_reused", message, { command_id: commandId }));
}

async function isRepeated(
  db: Transaction<Schema>,
  rid: number,
  { principal, method, commandId }: Idempotency,
): Promise<boolean> {
  const row = await db
    .selectFrom("batch_command")
    .select("created_at")
    .where("batch_rid", "=", rid)
    .where("principal", "=", principal)
    .where("method", "=", method)
    .where("command_id", "=", commandId)
    .executeTakeFirst();
  return row !== undefined;
}

async function keepSteering(
  db: Transaction<Schema>,
  rid: number,
  { principal, method, commandId }: Idempotency,
  now: Millis,
): Promise<void> {
  const row = { batch_rid: rid, principal, method, command_id: commandId, created_at: now };
  await db.insertInto("batch_command").values(row).execute();
}

async function cancelPendingItems(db: Transaction<Schema>, rid: number, now: Millis): Promise<void> {
  await db
    .updateTable("batch_item")
    .set({ state: "cancelled", processed_at: now })
    .where("batch_rid", "=", rid)
    .where("state", "=", "pending")
    .execute();
}
