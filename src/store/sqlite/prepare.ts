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

/** A named parameter in a query for `prepare`. */
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
  const bind = (args: Args): unknown[] =>
    compiled.parameters.map((value) => (value instanceof Parameter ? (args[value.name] ?? null) : value));
  return {
    run: (args) => Number(statement.run(...bind(args)).lastInsertRowid),
    get: (args) => statement.get(...bind(args)),
    all: (args) => statement.all(...bind(args)),
  };
}
