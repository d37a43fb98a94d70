/** The statements of the write path. */
import type { Database } from "better-sqlite3";
import { type Kysely, type Selectable, sql } from "kysely";
import type { ExecutionKey } from "../../domain/execution.ts";
import type { FixedColumns, MutableColumns } from "../rows.ts";
import type { CommandTable, EffectTable, EventTable, Schema } from "../schema.ts";
import { prepareFindExecution } from "./find_execution.ts";
import { parameter, prepare, prepareInserts } from "./prepare.ts";
import { prepareUpdateExecution } from "./update_execution.ts";

type CommandKey = Pick<CommandTable, "execution_rid" | "principal" | "method" | "command_id">;
type CommandRow = Pick<
  Selectable<CommandTable>,
  "fingerprint" | "disposition" | "answered" | "execution_json" | "last_sequence" | "flag_raised" | "created_at"
>;
type NewCommandColumns = CommandKey & Omit<CommandRow, "flag_raised"> & Pick<CommandTable, "minted_in">;
type MintingKey = Pick<CommandTable, "principal" | "method" | "command_id"> & { tenant: string };
type EndColumns = Pick<CommandTable, "execution_json" | "last_sequence"> & { rid: number };
type Named = { readonly rid: number };
export type EventColumns = Pick<EventTable, "cancellation_id" | "type" | "at" | "attributes_json"> & Named;
export type EffectColumns = Pick<EffectTable, "due_at" | "claimed" | "effect_json"> & Named;

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(database: Database, db: Kysely<Schema>) {
  return {
    findExecution: prepareFindExecution(database, db).byKey,
    findLiveChild: prepare<{ rid: number }, { rid: number }>(
      database,
      db
        .selectFrom("execution")
        .select("rid")
        .where("parent_rid", "=", parameter<number>("rid"))
        .where("live", "=", sql.lit(1))
        .limit(sql.lit(1)),
    ),
    findCommand: prepare<CommandKey, CommandRow>(
      database,
      db
        .selectFrom("command")
        .select([
          "fingerprint",
          "disposition",
          "answered",
          "execution_json",
          "last_sequence",
          "flag_raised",
          "created_at",
        ])
        .where("execution_rid", "=", parameter<number>("execution_rid"))
        .where("principal", "=", parameter<string>("principal"))
        .where("method", "=", parameter<string>("method"))
        .where("command_id", "=", parameter<string>("command_id")),
    ),
    /** The execution that a command registered under a minted id. */
    findMinted: prepare<MintingKey, ExecutionKey>(
      database,
      db
        .selectFrom("command")
        .innerJoin("execution", "execution.rid", "command.execution_rid")
        .select(["execution.tenant", "execution.kind", "execution.id"])
        .where("command.minted_in", "=", parameter<string>("tenant"))
        .where("command.principal", "=", parameter<string>("principal"))
        .where("command.method", "=", parameter<string>("method"))
        .where("command.command_id", "=", parameter<string>("command_id")),
    ),
    findLastSequence: prepare<Record<string, never>, { sequence: number | null }>(
      database,
      db.selectFrom("event").select((eb) => eb.fn.max("sequence").as("sequence")),
    ),
    insertExecution: prepare<FixedColumns & MutableColumns, never>(
      database,
      db.insertInto("execution").values({
        tenant: parameter("tenant"),
        kind: parameter("kind"),
        id: parameter("id"),
        parent_rid: parameter("parent_rid"),
        workflow_id: parameter("workflow_id"),
        spec_json: parameter("spec_json"),
        has_queue_items: parameter("has_queue_items"),
        created_at: parameter("created_at"),
        ...mutableColumns(),
      }),
    ),
    updateExecution: prepareUpdateExecution(database, db),
    insertLabel: prepare<{ name: string; value: string; rid: number }, never>(
      database,
      db
        .insertInto("label")
        .values({ name: parameter("name"), value: parameter("value"), execution_rid: parameter("rid") }),
    ),
    insertQueueItem: prepare<{ rid: number; position: number; id: string; state: string }, never>(
      database,
      db.insertInto("work_item").values({
        execution_rid: parameter("rid"),
        position: parameter("position"),
        id: parameter("id"),
        state: parameter("state"),
      }),
    ),
    updateQueueItem: prepare<{ rid: number; position: number; state: string }, never>(
      database,
      db
        .updateTable("work_item")
        .set({ state: parameter("state") })
        .where("execution_rid", "=", parameter<number>("rid"))
        .where("position", "=", parameter<number>("position")),
    ),
    putListenerJob: prepare<{ rid: number; tenant: string; type: string; available_at: number }, never>(
      database,
      db
        .insertInto("listener_job")
        .values({
          execution_rid: parameter("rid"),
          tenant: parameter("tenant"),
          type: parameter("type"),
          available_at: parameter("available_at"),
        })
        .onConflict((conflict) =>
          conflict.column("execution_rid").doUpdateSet({
            type: sql.ref("excluded.type"),
            available_at: sql.ref("excluded.available_at"),
          }),
        ),
    ),
    deleteListenerJob: prepare<{ rid: number }, never>(
      database,
      db.deleteFrom("listener_job").where("execution_rid", "=", parameter<number>("rid")),
    ),
    insertEvents: prepareInserts<EventColumns>(database, (rows) =>
      db.insertInto("event").values(
        repeated(rows, {
          execution_rid: parameter("rid"),
          cancellation_id: parameter("cancellation_id"),
          type: parameter("type"),
          at: parameter("at"),
          attributes_json: parameter("attributes_json"),
        }),
      ),
    ),
    insertEffects: prepareInserts<EffectColumns>(database, (rows) =>
      db.insertInto("effect").values(
        repeated(rows, {
          execution_rid: parameter("rid"),
          due_at: parameter("due_at"),
          claimed: parameter("claimed"),
          attempts: 0,
          effect_json: parameter("effect_json"),
        }),
      ),
    ),
    deleteEffect: prepare<{ id: number }, never>(
      database,
      db.deleteFrom("effect").where("id", "=", parameter<number>("id")),
    ),
    insertCommand: prepare<NewCommandColumns, never>(
      database,
      db.insertInto("command").values({
        execution_rid: parameter("execution_rid"),
        principal: parameter("principal"),
        method: parameter("method"),
        command_id: parameter("command_id"),
        fingerprint: parameter("fingerprint"),
        disposition: parameter("disposition"),
        answered: parameter("answered"),
        execution_json: parameter("execution_json"),
        last_sequence: parameter("last_sequence"),
        minted_in: parameter("minted_in"),
        created_at: parameter("created_at"),
      }),
    ),
    /** Answers all commands that wait for the end of the cancellation, which has come. */
    answerWaiting: prepare<EndColumns, never>(
      database,
      db
        .updateTable("command")
        .set({
          answered: 1,
          execution_json: parameter("execution_json"),
          last_sequence: parameter("last_sequence"),
        })
        .where("execution_rid", "=", parameter<number>("rid"))
        .where("answered", "=", 0),
    ),
  };
}

function repeated<T>(rows: number, row: T): T[] {
  return Array<T>(rows).fill(row);
}

function mutableColumns() {
  return {
    state: parameter<Schema["execution"]["state"]>("state"),
    live: parameter<number>("live"),
    token: parameter<number>("token"),
    worker_id: parameter<string | null>("worker_id"),
    lease_token: parameter<number | null>("lease_token"),
    lease_expires_at: parameter<number | null>("lease_expires_at"),
    lease_duration: parameter<number | null>("lease_duration"),
    lease_expired: parameter<number | null>("lease_expired"),
    ending_json: parameter<string | null>("ending_json"),
    cancellation_json: parameter<string | null>("cancellation_json"),
    cancellation_id: parameter<string | null>("cancellation_id"),
    cancellation_outcome: parameter<Schema["execution"]["cancellation_outcome"]>("cancellation_outcome"),
    cancellation_requested_at: parameter<number | null>("cancellation_requested_at"),
    cancellation_overdue: parameter<number | null>("cancellation_overdue"),
    started_at: parameter<number | null>("started_at"),
    ended_at: parameter<number | null>("ended_at"),
  };
}
