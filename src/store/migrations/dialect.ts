/** What the databases call differently where tables are made. */
import { type ColumnDefinitionBuilder, type RawBuilder, sql } from "kysely";

export interface SchemaDialect {
  readonly name: "sqlite" | "postgres";
  /** An integer of 64 bits. */
  readonly integer: "integer" | "bigint";
  /** Makes a column the number of the row: given by the database, and never given twice if it `isLasting`. */
  readonly rowNumber: (column: ColumnDefinitionBuilder, isLasting: boolean) => ColumnDefinitionBuilder;
  /** At the end of a table whose rows have a number. */
  readonly numbered: RawBuilder<unknown>;
  /** At the end of a table whose rows go by their key. */
  readonly keyed: RawBuilder<unknown>;
}

/** SQLite checks column types only in STRICT tables. */
export const SQLITE_SCHEMA: SchemaDialect = {
  name: "sqlite",
  integer: "integer",
  rowNumber: (column, isLasting) => (isLasting ? column.primaryKey().autoIncrement() : column.primaryKey()),
  numbered: sql`strict`,
  keyed: sql`strict, without rowid`,
};

export const POSTGRES_SCHEMA: SchemaDialect = {
  name: "postgres",
  integer: "bigint",
  rowNumber: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
  numbered: sql``,
  keyed: sql``,
};
