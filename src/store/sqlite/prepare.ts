/** Statements written in Kysely, compiled once, and run on the driver's prepared statements. */
import type { Database, Statement } from "better-sqlite3";
import { type Compilable, type RawBuilder, sql } from "kysely";

/** Named values of a statement: what SQLite stores. */
export type Arguments = Readonly<Record<string, string | number | null | undefined>>;

/** A place in a compiled query that is filled by name when it runs. */
class Parameter {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A named parameter in a query for `prepare`. Constants that decide whether a partial index serves, and limits, are better written into
 * the text with `sql.lit`: if they are parameters, SQLite plans the statement anew on each run.
 */
export function parameter<T>(name: string): RawBuilder<T> {
  return sql<T>`${new Parameter(name)}`;
}

export interface Prepared<Args extends Arguments, Row> {
  /** Runs it for its effect. Returns the number of the row inserted last. */
  run(args: Args): number;
  /** The first row. */
  get(args: Args): Row | undefined;
  /** All rows. */
  all(args: Args): Row[];
}

/** Compiles `query` and prepares it. Each named parameter takes the argument of its name. */
export function prepare<Args extends Arguments, Row>(database: Database, query: Compilable<Row>): Prepared<Args, Row> {
  const compiled = query.compile();
  const statement: Statement<unknown[], Row> = database.prepare<unknown[], Row>(compiled.sql);
  const { values, places } = placesOf(compiled.parameters);
  const bind = (args: Args): unknown[] => {
    for (const { at, name } of places) values[at] = args[name] ?? null;
    return values;
  };
  return {
    run: (args) => Number(statement.run(...bind(args)).lastInsertRowid),
    get: (args) => statement.get(...bind(args)),
    all: (args) => statement.all(...bind(args)),
  };
}

/** How many rows go into one run. With 32, a row costs a tenth less, and small batches far more single runs. */
const ROWS_A_RUN = 8;

/**
 * Inserts rows into a table that numbers them. Returns the number of the first; the others follow it without a gap, because only one
 * connection writes.
 *
 * @param insert the query for as many rows as it is told, the parameters of each in the same order
 */
export function prepareInserts<Row extends Arguments>(
  database: Database,
  insert: (rows: number) => Compilable<unknown>,
): (rows: readonly Row[]) => number {
  const one = prepare<Row, never>(database, insert(1));
  const compiled = insert(ROWS_A_RUN).compile();
  const many: Statement<unknown[]> = database.prepare(compiled.sql);
  const { values, places } = placesOf(compiled.parameters);
  const parametersARow = places.length / ROWS_A_RUN;
  const runMany = (rows: readonly Row[], from: number): number => {
    for (const [index, { at, name }] of places.entries()) {
      values[at] = rows[from + Math.floor(index / parametersARow)]?.[name] ?? null;
    }
    return Number(many.run(...values).lastInsertRowid);
  };
  return (rows) => {
    let last = 0;
    let from = 0;
    for (; from + ROWS_A_RUN <= rows.length; from += ROWS_A_RUN) last = runMany(rows, from);
    for (const row of rows.slice(from)) last = one.run(row);
    return last - rows.length + 1;
  };
}

interface Place {
  readonly at: number;
  readonly name: string;
}

/** The values of a compiled query, and which of them are filled on each run. */
function placesOf(parameters: readonly unknown[]): { readonly values: unknown[]; readonly places: readonly Place[] } {
  const places = parameters.flatMap((value, at): Place[] =>
    value instanceof Parameter ? [{ at, name: value.name }] : [],
  );
  return { values: [...parameters], places };
}
