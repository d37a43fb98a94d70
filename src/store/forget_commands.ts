/** Forgets command ids that were used long ago. The same over every database. */
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from "kysely";
import type { Millis } from "../domain/time.ts";
import type { Schema } from "./schema.ts";
import type { CommandPlace } from "./store.ts";

/** See `Store.forgetCommands`. Two statements, and neither looks at more than `limit` commands. */
export async function forgetCommands(
  db: Kysely<Schema>,
  before: Millis,
  place: CommandPlace | null,
  limit: number,
): Promise<CommandPlace | null> {
  const page = await selectOld(db, before, place, limit).execute();
  const last = page.at(-1);
  if (last === undefined) return null;
  await deleteSettled(db, place, last).execute();
  return page.length < limit ? null : last;
}

export function selectOld(db: Kysely<Schema>, before: Millis, place: CommandPlace | null, limit: number) {
  return db
    .selectFrom("command")
    .select(["created_at", "execution_rid", "principal", "method", "command_id"])
    .where("created_at", "<", before)
    .where((eb) => isBeyond(eb, place))
    .orderBy("created_at")
    .orderBy("execution_rid")
    .orderBy("principal")
    .orderBy("method")
    .orderBy("command_id")
    .limit(limit);
}

/**
 * Those after `place` up to `last` that were answered. Nobody waits for longer than until the cancellation has ended, so what was not
 * answered then was asked by somebody who has left.
 */
export function deleteSettled(db: Kysely<Schema>, place: CommandPlace | null, last: CommandPlace) {
  const settled = db
    .selectFrom("command")
    .select(["command.execution_rid", "command.principal", "command.method", "command.command_id"])
    .where((eb) => isBeyond(eb, place))
    .where((eb) => eb(columnsOfAge(eb), "<=", tupleOf(eb, last)))
    .where((eb) => eb.or([eb("command.answered", "=", 1), eb.exists(finishedOwner(eb))]))
    .$asTuple("execution_rid", "principal", "method", "command_id");
  return db
    .deleteFrom("command")
    .where((eb) => eb(eb.refTuple("execution_rid", "principal", "method", "command_id"), "in", settled));
}

/** See `BatchOperations.forgetCommands`. They are all answered: nobody waits for a batch operation. */
export async function forgetBatchCommands(db: Kysely<Schema>, before: Millis, limit: number): Promise<boolean> {
  const forgotten = await forgetCreations(db, before, limit).executeTakeFirst();
  const deleted = await deleteSteerings(db, before, limit).executeTakeFirst();
  return [forgotten.numUpdatedRows, deleted.numDeletedRows].some((count) => count === BigInt(limit));
}

export function forgetCreations(db: Kysely<Schema>, before: Millis, limit: number) {
  const old = db
    .selectFrom("batch_operation")
    .select("rid")
    .where("command_id", "is not", null)
    .where("created_at", "<", before)
    .limit(limit);
  return db.updateTable("batch_operation").set({ command_id: null, fingerprint: null }).where("rid", "in", old);
}

export function deleteSteerings(db: Kysely<Schema>, before: Millis, limit: number) {
  const old = db
    .selectFrom("batch_command")
    .select(["batch_rid", "principal", "method", "command_id"])
    .where("created_at", "<", before)
    .limit(limit)
    .$asTuple("batch_rid", "principal", "method", "command_id");
  return db
    .deleteFrom("batch_command")
    .where((eb) => eb(eb.refTuple("batch_rid", "principal", "method", "command_id"), "in", old));
}

type Commands = ExpressionBuilder<Schema, "command">;

function finishedOwner(eb: Commands) {
  return eb
    .selectFrom("execution")
    .select("execution.rid")
    .whereRef("execution.rid", "=", "command.execution_rid")
    .where("execution.live", "=", 0);
}

/** Everything is beyond null. */
function isBeyond(eb: Commands, place: CommandPlace | null): Expression<SqlBool> {
  return place === null ? eb.lit(true) : eb(columnsOfAge(eb), ">", tupleOf(eb, place));
}

function columnsOfAge(eb: Commands) {
  return eb.refTuple("created_at", "execution_rid", "principal", "method", "command_id");
}

function tupleOf(eb: Commands, { created_at, execution_rid, principal, method, command_id }: CommandPlace) {
  return eb.tuple(created_at, execution_rid, principal, method, command_id);
}
