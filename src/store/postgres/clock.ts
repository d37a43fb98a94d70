/** The clock of the database, which all replicas share: their own may differ. */
import { type Kysely, sql } from "kysely";
import type { Millis } from "../../domain/time.ts";
import type { Schema } from "../schema.ts";

export interface DatabaseClock {
  now(): Millis;
  /** Asks the database again. */
  adjust(): Promise<void>;
}

/** Asks the database for its time, and counts on from there by this machine's. */
export async function openDatabaseClock(db: Kysely<Schema>): Promise<DatabaseClock> {
  let ahead: Millis = 0;
  const adjust = async (): Promise<void> => {
    const before = performance.now();
    const { rows } = await sql<{ readonly now: Millis }>`
      select (extract(epoch from clock_timestamp()) * 1000)::bigint as now
    `.execute(db);
    const after = performance.now();
    // Read about half way through the call.
    const [row] = rows;
    if (row !== undefined) ahead = row.now + (after - before) / 2 - after;
  };
  await adjust();
  return { now: () => Math.round(performance.now() + ahead), adjust };
}
