/**
 * Updates executions by naming only the columns that differ: SQLite writes anew every index that knows a named column, and each is a page
 * somewhere else on the disk, even if the column stays as it is.
 */
import type { Database } from "better-sqlite3";
import type { Kysely, RawBuilder } from "kysely";
import type { Execution } from "../../domain/execution.ts";
import { MUTABLE_COLUMNS, type MutableColumns, mutableColumnsOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { type Prepared, parameter, prepare } from "./prepare.ts";

/** Writes what has changed of the execution in row `rid`. */
export type UpdateExecution = (rid: number, before: Execution, after: Execution) => void;

type Column = keyof MutableColumns;

type Update = Prepared<MutableColumns & { readonly rid: number }, unknown>;

export function prepareUpdateExecution(database: Database, db: Kysely<Schema>): UpdateExecution {
  /** By the set of their columns. Few sets ever differ together. */
  const updates = new Map<number, Update>();
  const updateOf = (set: number): Update => {
    const known = updates.get(set);
    if (known !== undefined) return known;
    const values: Partial<Record<Column, RawBuilder<never>>> = {};
    for (const column of MUTABLE_COLUMNS.filter((_, index) => has(set, index)))
      values[column] = parameter<never>(column);
    const update: Update = prepare(
      database,
      db.updateTable("execution").set(values).where("rid", "=", parameter<number>("rid")),
    );
    updates.set(set, update);
    return update;
  };
  return (rid, before, after) => {
    const columns = mutableColumnsOf(after);
    const set = differing(mutableColumnsOf(before), columns);
    if (set !== 0) updateOf(set).run({ rid, ...columns });
  };
}

/** The set of the columns that differ: the bit of each is its place in `MUTABLE_COLUMNS`. */
function differing(before: MutableColumns, after: MutableColumns): number {
  let set = 0;
  for (const [index, column] of MUTABLE_COLUMNS.entries()) {
    if (before[column] !== after[column]) set |= 1 << index;
  }
  return set;
}

function has(set: number, index: number): boolean {
  return (set & (1 << index)) !== 0;
}
