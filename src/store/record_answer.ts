/** Keeps the answers that waiting callers get, for the replays of their commands, and finds them. */
import type { ExpressionBuilder, Kysely } from "kysely";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Schema } from "./schema.ts";
import type { Idempotency, KeptAnswer } from "./store.ts";

/** The first answer wins: callers that waited together get the same one. */
export async function recordAnswer(
  db: Kysely<Schema>,
  key: ExecutionKey,
  idempotency: Idempotency,
  answer: KeptAnswer,
): Promise<KeptAnswer> {
  const isCommand = commandFilter(key, idempotency);
  await db
    .updateTable("command")
    .set({
      answered: 1,
      execution_json: JSON.stringify(answer.execution),
      last_sequence: answer.lastSequence,
      flag_raised: Number(answer.flagRaised),
    })
    .where(isCommand)
    .where("answered", "=", 0)
    .execute();
  return (await findAnswer(db, key, idempotency)) ?? answer;
}

/** Null if the command has no answer yet, or is not known any more. */
export async function findAnswer(
  db: Kysely<Schema>,
  key: ExecutionKey,
  idempotency: Idempotency,
): Promise<KeptAnswer | null> {
  const kept = await db
    .selectFrom("command")
    .select(["execution_json", "last_sequence", "flag_raised"])
    .where(commandFilter(key, idempotency))
    .where("answered", "=", 1)
    .executeTakeFirst();
  if (kept === undefined) return null;
  const execution: Execution = JSON.parse(kept.execution_json);
  return { execution, lastSequence: kept.last_sequence, flagRaised: kept.flag_raised === 1 };
}

function commandFilter(key: ExecutionKey, { principal, method, commandId }: Idempotency) {
  return (eb: ExpressionBuilder<Schema, "command">) => {
    const owner = eb
      .selectFrom("execution")
      .select("rid")
      .where("tenant", "=", key.tenant)
      .where("kind", "=", key.kind)
      .where("id", "=", key.id);
    return eb.and([
      eb("execution_rid", "=", owner),
      eb("principal", "=", principal),
      eb("method", "=", method),
      eb("command_id", "=", commandId),
    ]);
  };
}
