/** SQLite's own look at its file. */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema.ts";
import { type Check, MOST_FINDINGS, Tally } from "./finding.ts";

interface ForeignKeyRow {
  readonly table: string;
  readonly rowid: number | null;
  readonly parent: string;
}

export async function inspectSqliteFile(db: Kysely<Schema>): Promise<Check> {
  const tally = new Tally("file", "pages, indexes and references are whole");
  const pages = await sql<{ readonly page_count: number }>`pragma page_count`.execute(db);
  tally.look(pages.rows[0]?.page_count ?? 0);
  const integrity = await sql<{ readonly integrity_check: string }>`
    pragma integrity_check(${sql.lit(MOST_FINDINGS)})
  `.execute(db);
  for (const { integrity_check } of integrity.rows) {
    if (integrity_check !== "ok") tally.find("the file", integrity_check);
  }
  const broken = await sql<ForeignKeyRow>`pragma foreign_key_check`.execute(db);
  for (const { table, rowid, parent } of broken.rows) {
    tally.find(`table ${table}`, `row ${rowid ?? "without a number"} refers to no row of ${parent}`);
  }
  return tally.check;
}
