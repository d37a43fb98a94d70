/** The statements that change batch operations. */
import type { Database } from "better-sqlite3";
import type { Kysely } from "kysely";
import type { BatchItemState, BatchState, ItemEnd } from "../../domain/batch_operation.ts";
import type { ExecutionKey, Kind } from "../../domain/execution.ts";
import { PREPARING } from "../batch_operation_lists.ts";
import { ACTIVE, type BatchRow, itemsIn, type SeenBatchRow, selectSeen, untouched } from "../batch_operation_rows.ts";
import type { ItemPlace } from "../item_cancels.ts";
import type { Schema } from "../schema.ts";
import { parameter, prepare } from "./prepare.ts";

type InsertedColumns = Pick<BatchRow, "tenant" | "key" | "principal" | "operation_reference" | "created_at">;
type SettledColumns = Pick<ExecutionKey, "tenant" | "kind" | "id"> &
  Pick<ItemEnd, "state" | "message"> & { now: number };

/** What becomes of items that are pending. */
type MovedColumns = Pick<ItemPlace, "state" | "message" | "processed_at"> & { rid: number };

/** Names a command that steered a batch operation. */
export type SteeringKey = Pick<Schema["batch_command"], "batch_rid" | "principal" | "method" | "command_id">;

export interface ItemRow {
  readonly execution_rid: number;
  readonly tenant: string;
  readonly kind: Kind;
  readonly id: string;
}

export type BatchStatements = ReturnType<typeof prepareBatchStatements>;

export function prepareBatchStatements(database: Database, db: Kysely<Schema>) {
  const rid = parameter<number>("rid");
  const now = parameter<number>("now");
  const moveItems = () =>
    db
      .updateTable("batch_item")
      .set({
        state: parameter<BatchItemState>("state"),
        message: parameter("message"),
        processed_at: parameter("processed_at"),
      })
      .where("batch_rid", "=", rid)
      .where("state", "=", "pending");
  return {
    insertBatch: prepare<InsertedColumns, never>(
      database,
      db.insertInto("batch_operation").values({
        tenant: parameter("tenant"),
        key: parameter("key"),
        state: PREPARING,
        principal: parameter("principal"),
        operation_reference: parameter("operation_reference"),
        command_id: null,
        fingerprint: null,
        created_at: parameter("created_at"),
        started_at: null,
        ended_at: null,
        claimed_at: 0,
      }),
    ),
    insertItem: prepare<{ rid: number; execution_rid: number }, never>(
      database,
      db
        .insertInto("batch_item")
        .values({ batch_rid: rid, execution_rid: parameter("execution_rid"), state: "pending" }),
    ),
    /** All items are there. */
    openBatch: prepare<Pick<BatchRow, "command_id" | "fingerprint"> & { rid: number }, never>(
      database,
      db
        .updateTable("batch_operation")
        .set({ state: "created", command_id: parameter("command_id"), fingerprint: parameter("fingerprint") })
        .where("rid", "=", rid),
    ),
    listUnfinished: prepare<Record<string, never>, { rid: number }>(
      database,
      db.selectFrom("batch_operation").select("rid").where("ended_at", "is", null).where("state", "=", PREPARING),
    ),
    removeItems: prepare<{ rid: number; limit: number }, { execution_rid: number }>(
      database,
      db
        .deleteFrom("batch_item")
        .where("batch_rid", "=", rid)
        .where("execution_rid", "in", (eb) =>
          eb
            .selectFrom("batch_item")
            .select("execution_rid")
            .where("batch_rid", "=", rid)
            .limit(parameter<number>("limit")),
        )
        .returning("execution_rid"),
    ),
    removeBatch: prepare<{ rid: number }, never>(database, db.deleteFrom("batch_operation").where("rid", "=", rid)),
    findBatch: prepare<{ tenant: string; key: string }, SeenBatchRow>(
      database,
      selectSeen(db).where("tenant", "=", parameter<string>("tenant")).where("key", "=", parameter<string>("key")),
    ),
    findCommand: prepare<{ tenant: string; principal: string; command_id: string }, BatchRow>(
      database,
      db
        .selectFrom("batch_operation")
        .selectAll()
        .where("tenant", "=", parameter<string>("tenant"))
        .where("principal", "=", parameter<string>("principal"))
        .where("command_id", "=", parameter<string>("command_id")),
    ),
    findSteering: prepare<SteeringKey, { created_at: number }>(
      database,
      db
        .selectFrom("batch_command")
        .select("created_at")
        .where("batch_rid", "=", parameter<number>("batch_rid"))
        .where("principal", "=", parameter<string>("principal"))
        .where("method", "=", parameter<string>("method"))
        .where("command_id", "=", parameter<string>("command_id")),
    ),
    insertSteering: prepare<SteeringKey & { created_at: number }, never>(
      database,
      db.insertInto("batch_command").values({
        batch_rid: parameter("batch_rid"),
        principal: parameter("principal"),
        method: parameter("method"),
        command_id: parameter("command_id"),
        created_at: parameter("created_at"),
      }),
    ),
    /** The one that runs, has pending items, and was served longest ago. */
    findNextBatch: prepare<Record<string, never>, BatchRow>(
      database,
      db
        .selectFrom("batch_operation")
        .selectAll()
        .where("ended_at", "is", null)
        .where("state", "in", ["created", "active"])
        .where((eb) => eb.exists(itemsIn(eb, ["pending"])))
        .orderBy("claimed_at")
        .orderBy("rid")
        .limit(1),
    ),
    changeState: prepare<{ rid: number; state: BatchState; ended_at: number | null }, never>(
      database,
      db
        .updateTable("batch_operation")
        .set({ state: parameter("state"), ended_at: parameter("ended_at") })
        .where("rid", "=", rid),
    ),
    startBatch: prepare<{ rid: number; now: number }, never>(
      database,
      db
        .updateTable("batch_operation")
        .set((eb) => ({ state: "active", claimed_at: now, started_at: eb.fn.coalesce("started_at", now) }))
        .where("rid", "=", rid),
    ),
    finishBatches: prepare<{ now: number }, never>(
      database,
      db
        .updateTable("batch_operation")
        .set((eb) => ({ state: "completed", started_at: eb.fn.coalesce("started_at", now), ended_at: now }))
        .where("ended_at", "is", null)
        .where("state", "in", ["created", "active"])
        .where((eb) => eb.not(eb.exists(itemsIn(eb, ["pending", "active"])))),
    ),
    listPendingItems: prepare<{ rid: number; limit: number }, ItemRow>(
      database,
      db
        .selectFrom("batch_item")
        .innerJoin("execution", "execution.rid", "batch_item.execution_rid")
        .select(["batch_item.execution_rid", "execution.tenant", "execution.kind", "execution.id"])
        .where("batch_item.batch_rid", "=", rid)
        .where("batch_item.state", "=", "pending")
        .orderBy("batch_item.execution_rid")
        .limit(parameter<number>("limit")),
    ),
    /** For an item whose turn has come. */
    moveItem: prepare<MovedColumns & { execution_rid: number }, never>(
      database,
      moveItems().where("execution_rid", "=", parameter<number>("execution_rid")),
    ),
    /** The same for all from the first to the last one whose turn has come. Without the first, SQLite would look at all before it too. */
    moveItemsBetween: prepare<MovedColumns & { first: number; last: number }, never>(
      database,
      moveItems()
        .where("execution_rid", ">=", parameter<number>("first"))
        .where("execution_rid", "<=", parameter<number>("last")),
    ),
    settleItem: prepare<SettledColumns, never>(
      database,
      db
        .updateTable("batch_item")
        .set({ state: parameter("state"), message: parameter("message"), processed_at: now })
        .where("state", "=", ACTIVE)
        .where("execution_rid", "=", (eb) =>
          eb
            .selectFrom("execution")
            .select("rid")
            .where("tenant", "=", parameter<string>("tenant"))
            .where("kind", "=", parameter<Kind>("kind"))
            .where("id", "=", parameter<string>("id")),
        ),
    ),
    cancelPendingItems: prepare<{ rid: number; now: number }, never>(
      database,
      db
        .updateTable("batch_item")
        .set({ state: "cancelled", processed_at: now })
        .where("batch_rid", "=", rid)
        .where("state", "=", "pending"),
    ),
    /** For batches that are cancelled, which take none of their items up again. */
    cancelUntouchedItems: prepare<{ now: number }, never>(
      database,
      db
        .updateTable("batch_item")
        .set({ state: "cancelled", processed_at: now })
        .where("state", "=", ACTIVE)
        .where((eb) => eb.exists(untouched(eb)))
        .where("batch_rid", "in", db.selectFrom("batch_operation").select("rid").where("state", "=", "cancelled")),
    ),
    releaseUntouchedItems: prepare<Record<string, never>, never>(
      database,
      db
        .updateTable("batch_item")
        .set({ state: "pending" })
        .where("state", "=", ACTIVE)
        .where((eb) => eb.exists(untouched(eb))),
    ),
  };
}
