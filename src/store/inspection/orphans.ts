/** Looks for rows that belong to nothing. */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema.ts";
import { type Check, MOST_FINDINGS, Tally } from "./finding.ts";

type OwnedTable =
  | "label"
  | "work_item"
  | "listener_job"
  | "event"
  | "effect"
  | "command"
  | "batch_item"
  | "batch_command";

interface Ownership {
  /** One of its rows, in words. */
  readonly row: string;
  readonly table: OwnedTable;
  readonly column: string;
  readonly owner: "execution" | "batch_operation";
}

const OWNERSHIPS: readonly Ownership[] = [
  { row: "a label", table: "label", column: "execution_rid", owner: "execution" },
  { row: "a queue item", table: "work_item", column: "execution_rid", owner: "execution" },
  { row: "a listener job", table: "listener_job", column: "execution_rid", owner: "execution" },
  { row: "an event", table: "event", column: "execution_rid", owner: "execution" },
  { row: "an effect", table: "effect", column: "execution_rid", owner: "execution" },
  { row: "a command", table: "command", column: "execution_rid", owner: "execution" },
  { row: "an item of a batch operation", table: "batch_item", column: "execution_rid", owner: "execution" },
  { row: "an item of a batch operation", table: "batch_item", column: "batch_rid", owner: "batch_operation" },
  { row: "a command", table: "batch_command", column: "batch_rid", owner: "batch_operation" },
];

const OWNER_WORDS = { execution: "execution", batch_operation: "batch operation" } as const;

/** The database itself should not let them come about. */
export async function inspectOrphans(db: Kysely<Schema>): Promise<Check> {
  const tally = new Tally("orphans", "what belongs to an execution or a batch operation has it");
  for (const { row, table, column, owner } of OWNERSHIPS) {
    const { rows } = await sql<{ readonly rows: number }>`select count(*) as rows from ${sql.table(table)}`.execute(db);
    tally.look(rows[0]?.rows ?? 0);
    const orphans = await sql<{ readonly owner: number }>`
      select distinct ${sql.ref(`owned.${column}`)} as owner from ${sql.table(table)} as owned
      where not exists (select 1 from ${sql.table(owner)} as owner where owner.rid = ${sql.ref(`owned.${column}`)})
      order by 1 limit ${MOST_FINDINGS}
    `.execute(db);
    for (const { owner: rid } of orphans.rows) {
      tally.find(`table ${table}`, `there is ${row} of ${OWNER_WORDS[owner]} number ${rid}, which does not exist`);
    }
  }
  return tally.check;
}
