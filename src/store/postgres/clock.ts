/** The clock of the database, which all replicas share: their own may differ. */
import { type Kysely, sql } from "kysely";
import type { Millis } from "../../domain/time.ts";
import type { Schema } from "../schema.ts";

export interface DatabaseClock {
  /** Never goes back. */
  now(): Millis;
  /** Asks the database again. */
  adjust(): Promise<void>;
}

/** How long a reading may take: half of it is how wrong the clock may be. */
const SLOW: Millis = 200;

interface Reading {
  /** How far the database's clock is ahead of `performance.now()`. */
  readonly ahead: Millis;
  readonly took: Millis;
}

/** Asks the database for its time, and counts on from there by this machine's. */
export async function openDatabaseClock(db: Kysely<Schema>): Promise<DatabaseClock> {
  let { ahead } = await readClock(db);
  let latest: Millis = 0;
  return {
    now: () => {
      latest = Math.max(latest, Math.round(performance.now() + ahead));
      return latest;
    },
    adjust: async () => {
      const reading = await readClock(db);
      // One that had to wait tells less than what is known.
      if (reading.took <= SLOW) ahead = reading.ahead;
    },
  };
}

async function readClock(db: Kysely<Schema>): Promise<Reading> {
  const before = performance.now();
  const { rows } = await sql<{ readonly now: Millis }>`
    select (extract(epoch from clock_timestamp()) * 1000)::bigint as now
  `.execute(db);
  const after = performance.now();
  const [row] = rows;
  if (row === undefined) throw new Error("the database answered without a row");
  // Read about half way through the call.
  return { ahead: row.now + (after - before) / 2 - after, took: after - before };
}
