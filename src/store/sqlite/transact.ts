/** Transactions on the writing connection. */
import type { Database } from "better-sqlite3";
import type { AuditWriter } from "./audit_writer.ts";
import { unavailableOf } from "./unavailable.ts";

/**
 * Runs `work` as one synchronous transaction: the writing connection is shared with the commands, and a transaction that waited in the
 * middle would take theirs in.
 */
export type Transact = <T>(work: () => T) => Promise<T>;

export function createTransact(database: Database, audit: AuditWriter): Transact {
  return async (work) => {
    try {
      return database.transaction(work).immediate();
    } catch (error) {
      audit.forget();
      throw unavailableOf(error) ?? error;
    }
  };
}
