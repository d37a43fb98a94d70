/** Loads the commands that a batch repeats. */
import { type Kysely, sql } from "kysely";
import { type Execution, type ExecutionKey, keyOf } from "../../domain/execution.ts";
import { commandKeyOf, type KnownCommand, mintingKeyOf } from "../batch.ts";
import type { CommandTable, Schema } from "../schema.ts";
import type { Envelope } from "../store.ts";
import { type ColumnTypes, tableOf } from "./columns.ts";

/** A row that is looked for, and the name under which it is kept once found. */
interface Asked<Columns> {
  readonly name: string;
  readonly columns: Columns;
}

interface MintingColumns {
  readonly minted_in: string;
  readonly principal: string;
  readonly method: string;
  readonly command_id: string;
}

const MINTING_COLUMNS: ColumnTypes<MintingColumns> = {
  minted_in: "text",
  principal: "text",
  method: "text",
  command_id: "text",
};

/** The executions that repeated commands registered before under a minted id, by `mintingKeyOf`. */
export async function loadMinted(
  db: Kysely<Schema>,
  envelopes: readonly Envelope[],
): Promise<Map<string, ExecutionKey>> {
  const asked = envelopes.flatMap((envelope): Asked<MintingColumns>[] => {
    const name = mintingKeyOf(envelope);
    const { key, idempotency } = envelope;
    if (name === null || idempotency === null) return [];
    const { principal, method, commandId } = idempotency;
    return [{ name, columns: { minted_in: key.tenant, principal, method, command_id: commandId } }];
  });
  const minted = new Map<string, ExecutionKey>();
  if (asked.length === 0) return minted;
  const rows = asked.map(({ columns }) => columns);
  const found = await sql<ExecutionKey & { readonly ordinality: number }>`
    select execution.tenant, execution.kind, execution.id, asked.ordinality
    from command
    join ${tableOf("asked", MINTING_COLUMNS, rows)} using (minted_in, principal, method, command_id)
    join execution on execution.rid = command.execution_rid
  `.execute(db);
  for (const { ordinality, ...key } of found.rows) {
    const name = asked[ordinality - 1]?.name;
    if (name !== undefined) minted.set(name, key);
  }
  return minted;
}

type CommandColumns = Pick<CommandTable, "execution_rid" | "principal" | "method" | "command_id">;

const COMMAND_COLUMNS: ColumnTypes<CommandColumns> = {
  execution_rid: "bigint",
  principal: "text",
  method: "text",
  command_id: "text",
};

type FoundColumns = "fingerprint" | "disposition" | "answered" | "execution_json" | "last_sequence" | "created_at";

type CommandRow = Pick<CommandTable, FoundColumns> & { readonly flag_raised: number; readonly ordinality: number };

/** By `commandKeyOf`. */
export async function loadCommands(
  db: Kysely<Schema>,
  envelopes: readonly Envelope[],
  rids: ReadonlyMap<string, number>,
): Promise<Map<string, KnownCommand>> {
  const asked = envelopes.flatMap(({ key, idempotency }): Asked<CommandColumns>[] => {
    const rid = rids.get(keyOf(key));
    if (idempotency === null || rid === undefined) return [];
    const { principal, method, commandId } = idempotency;
    const columns = { execution_rid: rid, principal, method, command_id: commandId };
    return [{ name: commandKeyOf(key, idempotency), columns }];
  });
  const known = new Map<string, KnownCommand>();
  if (asked.length === 0) return known;
  const rows = asked.map(({ columns }) => columns);
  const found = await sql<CommandRow>`
    select fingerprint, disposition, answered, execution_json, last_sequence, flag_raised, created_at, asked.ordinality
    from command
    join ${tableOf("asked", COMMAND_COLUMNS, rows)} using (execution_rid, principal, method, command_id)
  `.execute(db);
  for (const row of found.rows) {
    const name = asked[row.ordinality - 1]?.name;
    if (name !== undefined) known.set(name, knownCommandOf(row));
  }
  return known;
}

function knownCommandOf(row: CommandRow): KnownCommand {
  const execution: Execution = JSON.parse(row.execution_json);
  return {
    fingerprint: row.fingerprint,
    disposition: row.disposition,
    execution,
    replay: {
      answered: row.answered === 1,
      since: row.created_at,
      lastSequence: row.last_sequence,
      flagRaised: row.flag_raised === 1,
    },
  };
}
