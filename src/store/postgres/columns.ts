/** Many rows in one statement: each column travels as one array. */
import { type RawBuilder, sql } from "kysely";
import { keepableJson } from "./dialect.ts";

/** `json`: a text column that holds JSON. */
type ColumnType = "text" | "json" | "bigint";

/** The PostgreSQL types of a row's columns. */
export type ColumnTypes<Row> = { readonly [Column in keyof Row & string]-?: ColumnType };

/**
 * `unnest(…) with ordinality as NAME(columns…, ordinality)`: the rows as a table, in their order.
 *
 * @param types names every column that the rows have
 */
export function tableOf<Row>(name: string, types: ColumnTypes<Row>, rows: readonly Row[]): RawBuilder<unknown> {
  const columns = columnsOf(types);
  const arrays = columns.map((column) => {
    const type = types[column];
    const values = rows.map((row) => {
      const value = row[column] ?? null;
      return type === "json" && typeof value === "string" ? keepableJson(value) : value;
    });
    return sql`${values}::${sql.raw(type === "json" ? "text" : type)}[]`;
  });
  const names = [...columns, "ordinality"].map((column) => sql.id(column));
  return sql`unnest(${sql.join(arrays)}) with ordinality as ${sql.id(name)}(${sql.join(names)})`;
}

/** The names of the columns, in the order of `types`. */
export function columnsOf<Row>(types: ColumnTypes<Row>): (keyof Row & string)[] {
  const names: (keyof Row & string)[] = [];
  let name: keyof Row & string;
  for (name in types) names.push(name);
  return names;
}

/** "a, b, c" */
export function namesOf<Row>(types: ColumnTypes<Row>, table?: string): RawBuilder<unknown> {
  return sql.join(
    columnsOf(types).map((column) => (table === undefined ? sql.id(column) : sql.ref(`${table}.${column}`))),
  );
}
