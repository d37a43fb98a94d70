/** Writes what a batch adds to the event log, the outbox and the commands that are kept. */
import { sql, type Transaction } from "kysely";
import type { Disposition } from "../../domain/decision.ts";
import { type Execution, type ExecutionKey, keyOf } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import type { Decided } from "../batch.ts";
import type { CommandTable, EffectTable, EventTable, Schema } from "../schema.ts";
import type { Idempotency, StoredEffect, StoredEvent } from "../store.ts";
import { type ColumnTypes, namesOf, tableOf } from "./columns.ts";

type EventColumns = Omit<EventTable, "sequence">;

const EVENT_COLUMNS: ColumnTypes<EventColumns> = {
  execution_rid: "bigint",
  cancellation_id: "text",
  type: "text",
  at: "bigint",
  attributes_json: "json",
};

/** The events of each command, in order. Numbered while their executions are locked: within one of them in the order of commits. */
export async function insertEvents(
  db: Transaction<Schema>,
  decided: readonly Decided[],
  rids: ReadonlyMap<string, number>,
): Promise<StoredEvent[][]> {
  const added = ownedBy(decided, rids, ({ events }) => events);
  const rows = added.map(
    ({ rid, item }): EventColumns => ({
      execution_rid: rid,
      cancellation_id: item.cancellationId,
      type: item.type,
      at: item.at,
      attributes_json: JSON.stringify(item.attributes),
    }),
  );
  const numbers = await insertNumbered(db, { table: "event", number: "sequence" }, EVENT_COLUMNS, rows);
  return perCommand(decided, added, numbers, ({ key, item }, sequence): StoredEvent => ({ ...item, sequence, key }));
}

type EffectColumns = Omit<EffectTable, "id">;

const EFFECT_COLUMNS: ColumnTypes<EffectColumns> = {
  execution_rid: "bigint",
  due_at: "bigint",
  claimed: "bigint",
  attempts: "bigint",
  effect_json: "json",
};

/** The effects of each command, in order. Those that are due are claimed until `claimEnd`, for the dispatcher of this process. */
export async function insertEffects(
  db: Transaction<Schema>,
  decided: readonly Decided[],
  rids: ReadonlyMap<string, number>,
  now: Millis,
  claimEnd: Millis,
): Promise<StoredEffect[][]> {
  const added = ownedBy(decided, rids, ({ effects }) => effects);
  const rows = added.map(({ rid, item }): EffectColumns => {
    const isDue = item.dueAt <= now;
    return {
      execution_rid: rid,
      due_at: isDue ? claimEnd : item.dueAt,
      claimed: isDue ? 1 : 0,
      attempts: 0,
      effect_json: JSON.stringify(item),
    };
  });
  const numbers = await insertNumbered(db, { table: "effect", number: "id" }, EFFECT_COLUMNS, rows);
  return perCommand(
    decided,
    added,
    numbers,
    ({ key, item }, id): StoredEffect => ({ id, key, effect: item, attempts: 0 }),
  );
}

/** Something that a command adds, with the execution that it is about. */
interface Owned<Item> {
  /** The place of the command in its batch. */
  readonly index: number;
  readonly rid: number;
  readonly key: ExecutionKey;
  readonly item: Item;
}

function ownedBy<Item>(
  decided: readonly Decided[],
  rids: ReadonlyMap<string, number>,
  itemsOf: (one: Decided) => readonly Item[],
): Owned<Item>[] {
  return decided.flatMap((one, index) => {
    const { key } = one.envelope;
    const rid = rids.get(keyOf(key));
    return rid === undefined ? [] : itemsOf(one).map((item) => ({ index, rid, key, item }));
  });
}

/** Inserts the rows in their order, and resolves with the numbers that the database gave them. */
async function insertNumbered<Row>(
  db: Transaction<Schema>,
  { table, number }: { readonly table: string; readonly number: string },
  types: ColumnTypes<Row>,
  rows: readonly Row[],
): Promise<number[]> {
  if (rows.length === 0) return [];
  const names = namesOf(types);
  const inserted = await sql<{ readonly number: number }>`
    insert into ${sql.table(table)} (${names})
    select ${names} from ${tableOf("added", types, rows)} order by ordinality
    returning ${sql.ref(number)} as number
  `.execute(db);
  return inserted.rows.map((row) => row.number);
}

/** What was added, command by command. */
function perCommand<Item, Stored>(
  decided: readonly Decided[],
  added: readonly Owned<Item>[],
  numbers: readonly number[],
  storedOf: (owned: Owned<Item>, number: number) => Stored,
): Stored[][] {
  const stored: Stored[][] = decided.map(() => []);
  for (const [place, owned] of added.entries()) {
    const number = numbers[place];
    if (number === undefined) throw new Error("the database numbered fewer rows than there are");
    stored[owned.index]?.push(storedOf(owned, number));
  }
  return stored;
}

/** Those that were carried out. */
export async function deleteEffects(db: Transaction<Schema>, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await sql`delete from effect where id = any(${ids}::bigint[])`.execute(db);
}

/** A command whose answer is kept for replays. */
export interface NewCommand {
  readonly key: ExecutionKey;
  readonly rid: number;
  readonly idempotency: Idempotency;
  readonly disposition: Disposition;
  readonly answered: boolean;
  readonly execution: Execution;
  readonly lastSequence: number;
}

type CommandColumns = Omit<CommandTable, "flag_raised">;

const COMMAND_COLUMNS: ColumnTypes<CommandColumns> = {
  execution_rid: "bigint",
  principal: "text",
  method: "text",
  command_id: "text",
  fingerprint: "text",
  disposition: "text",
  answered: "bigint",
  execution_json: "json",
  last_sequence: "bigint",
  minted_in: "text",
  created_at: "bigint",
};

export async function insertCommands(
  db: Transaction<Schema>,
  commands: readonly NewCommand[],
  now: Millis,
): Promise<void> {
  if (commands.length === 0) return;
  const rows = commands.map(
    ({ key, rid, idempotency, disposition, answered, execution, lastSequence }): CommandColumns => ({
      execution_rid: rid,
      principal: idempotency.principal,
      method: idempotency.method,
      command_id: idempotency.commandId,
      fingerprint: idempotency.fingerprint,
      disposition,
      answered: Number(answered),
      execution_json: JSON.stringify(execution),
      last_sequence: lastSequence,
      minted_in: idempotency.isMinting === true ? key.tenant : null,
      created_at: now,
    }),
  );
  const names = namesOf(COMMAND_COLUMNS);
  await sql`insert into command (${names}) select ${names} from ${tableOf("added", COMMAND_COLUMNS, rows)}`.execute(db);
}

interface AnswerColumns {
  readonly execution_rid: number;
  readonly execution_json: string;
  readonly last_sequence: number;
}

const ANSWER_COLUMNS: ColumnTypes<AnswerColumns> = {
  execution_rid: "bigint",
  execution_json: "json",
  last_sequence: "bigint",
};

/** Keeps what the callers are answered who wait for a cancellation that ends here. */
export async function answerWaiting(db: Transaction<Schema>, answers: readonly AnswerColumns[]): Promise<void> {
  if (answers.length === 0) return;
  await sql`
    update command
    set answered = 1, execution_json = answer.execution_json, last_sequence = answer.last_sequence
    from ${tableOf("answer", ANSWER_COLUMNS, answers)}
    where command.execution_rid = answer.execution_rid and command.answered = 0
  `.execute(db);
}
