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
  const stored: StoredEvent[][] = decided.map(() => []);
  const added = decided.flatMap(({ envelope, events }, index) => {
    const rid = rids.get(keyOf(envelope.key));
    return rid === undefined ? [] : events.map((event) => ({ index, rid, key: envelope.key, event }));
  });
  if (added.length === 0) return stored;
  const rows = added.map(
    ({ rid, event }): EventColumns => ({
      execution_rid: rid,
      cancellation_id: event.cancellationId,
      type: event.type,
      at: event.at,
      attributes_json: JSON.stringify(event.attributes),
    }),
  );
  const names = namesOf(EVENT_COLUMNS);
  const inserted = await sql<{ readonly sequence: number }>`
    insert into event (${names})
    select ${names} from ${tableOf("added", EVENT_COLUMNS, rows)} order by ordinality
    returning sequence
  `.execute(db);
  for (const [place, { index, key, event }] of added.entries()) {
    const sequence = inserted.rows[place]?.sequence;
    if (sequence === undefined) throw new Error("the database numbered fewer events than there are");
    stored[index]?.push({ ...event, sequence, key });
  }
  return stored;
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
  const stored: StoredEffect[][] = decided.map(() => []);
  const added = decided.flatMap(({ envelope, effects }, index) => {
    const rid = rids.get(keyOf(envelope.key));
    return rid === undefined ? [] : effects.map((effect) => ({ index, rid, key: envelope.key, effect }));
  });
  if (added.length === 0) return stored;
  const rows = added.map(({ rid, effect }): EffectColumns => {
    const isDue = effect.dueAt <= now;
    return {
      execution_rid: rid,
      due_at: isDue ? claimEnd : effect.dueAt,
      claimed: isDue ? 1 : 0,
      attempts: 0,
      effect_json: JSON.stringify(effect),
    };
  });
  const names = namesOf(EFFECT_COLUMNS);
  const inserted = await sql<{ readonly id: number }>`
    insert into effect (${names})
    select ${names} from ${tableOf("added", EFFECT_COLUMNS, rows)} order by ordinality
    returning id
  `.execute(db);
  for (const [place, { index, key, effect }] of added.entries()) {
    const id = inserted.rows[place]?.id;
    if (id === undefined) throw new Error("the database numbered fewer effects than there are");
    stored[index]?.push({ id, key, effect, attempts: 0 });
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
