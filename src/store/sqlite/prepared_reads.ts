/** The reads that every call makes, on prepared statements: Kysely takes longer to compile such a query than SQLite to answer it. */
import type { Database } from "better-sqlite3";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Execution } from "../../domain/execution.ts";
import { type ExecutionRow, eventOf } from "../rows.ts";
import type { CommandTable, EventTable, Schema } from "../schema.ts";
import type { Idempotency, KeptAnswer, Store } from "../store.ts";
import {
  executionByKey,
  FOUND_COLUMNS,
  type FoundColumns,
  type KeyColumns,
  keyColumnsOf,
  prepareFindExecution,
} from "./find_execution.ts";
import { parameter, prepare } from "./prepare.ts";

type EventRow = Selectable<EventTable>;
type EventBounds = KeyColumns & { after_sequence: number; up_to_sequence: number; limit: number };
type AnswerRow = Pick<Selectable<CommandTable>, "execution_json" | "last_sequence" | "flag_raised">;
type AnswerColumns = KeyColumns & Pick<CommandTable, "principal" | "method" | "command_id">;

type PreparedReads = Pick<
  Store,
  "findExecution" | "findCancellation" | "findAnswer" | "listEvents" | "lastSequence" | "nextEffectAt"
>;

/** Takes the place of those of `storeReads`, and answers the same. `database` is the connection that `db` stands on. */
export function preparedReads(database: Database, db: Kysely<Schema>): PreparedReads {
  const statements = prepareReads(database, db);

  const executions = prepareFindExecution(database, db);

  return {
    findExecution: async (key) => executions.byKey(key)?.execution ?? null,

    findCancellation: async (tenant, cancellationId) => {
      const row = statements.findCancellation.get({ tenant, cancellation_id: cancellationId });
      if (row === undefined) return null;
      const execution = executions.from({ tenant, kind: row.kind, id: row.id }, row);
      return execution.cancellation === null ? null : { execution, cancellation: execution.cancellation };
    },

    findAnswer: async (key, { principal, method, commandId }: Idempotency): Promise<KeptAnswer | null> => {
      const row = statements.findAnswer.get({ ...keyColumnsOf(key), principal, method, command_id: commandId });
      if (row === undefined) return null;
      const execution: Execution = JSON.parse(row.execution_json);
      return { execution, lastSequence: row.last_sequence, flagRaised: row.flag_raised === 1 };
    },

    listEvents: async ({ key, cancellationId, afterSequence, upToSequence, limit }) => {
      const bounds: EventBounds = {
        ...keyColumnsOf(key),
        after_sequence: afterSequence,
        up_to_sequence: upToSequence ?? Number.MAX_SAFE_INTEGER,
        limit,
      };
      const rows =
        cancellationId === null
          ? statements.listEvents.all(bounds)
          : statements.listEventsOfCancellation.all({ ...bounds, cancellation_id: cancellationId });
      return rows.map((row) => eventOf(row, key));
    },

    lastSequence: async () => statements.lastSequence.get({})?.sequence ?? 0,

    nextEffectAt: async () => statements.nextEffect.get({})?.due_at ?? null,
  };
}

function prepareReads(database: Database, db: Kysely<Schema>) {
  const events = db
    .selectFrom("event")
    .selectAll()
    .where("execution_rid", "=", executionByKey(db).select("rid"))
    .where("sequence", ">", parameter<number>("after_sequence"))
    .where("sequence", "<=", parameter<number>("up_to_sequence"))
    .orderBy("sequence")
    .limit(parameter<number>("limit"));
  return {
    findCancellation: prepare<
      { tenant: string; cancellation_id: string },
      FoundColumns & Pick<ExecutionRow, "kind" | "id">
    >(
      database,
      db
        .selectFrom("execution")
        .select(["kind", "id", ...FOUND_COLUMNS])
        .where("cancellation_id", "=", parameter<string>("cancellation_id"))
        .where("tenant", "=", parameter<string>("tenant")),
    ),
    findAnswer: prepare<AnswerColumns, AnswerRow>(
      database,
      db
        .selectFrom("command")
        .select(["execution_json", "last_sequence", "flag_raised"])
        .where("execution_rid", "=", executionByKey(db).select("rid"))
        .where("principal", "=", parameter<string>("principal"))
        .where("method", "=", parameter<string>("method"))
        .where("command_id", "=", parameter<string>("command_id"))
        .where("answered", "=", sql.lit(1)),
    ),
    listEvents: prepare<EventBounds, EventRow>(database, events),
    listEventsOfCancellation: prepare<EventBounds & { cancellation_id: string }, EventRow>(
      database,
      events.where("cancellation_id", "=", parameter<string>("cancellation_id")),
    ),
    lastSequence: prepare<Record<string, never>, { sequence: number }>(
      database,
      db.selectFrom("event").select("sequence").orderBy("sequence", "desc").limit(sql.lit(1)),
    ),
    nextEffect: prepare<Record<string, never>, { due_at: number }>(
      database,
      db.selectFrom("effect").select("due_at").orderBy("due_at").limit(sql.lit(1)),
    ),
  };
}
