/** Tells a store that can't work from a fault of the program. */
import BetterSqlite3 from "better-sqlite3";
import { Refused, refusal } from "../../domain/refusal.ts";

/** What SQLite says when the disk, the file or another process is in the way. */
const CAUSES = [
  "SQLITE_FULL",
  "SQLITE_IOERR",
  "SQLITE_READONLY",
  "SQLITE_CANTOPEN",
  "SQLITE_BUSY",
  "SQLITE_CORRUPT",
  "SQLITE_NOTADB",
];

/** The refusal for an error that says that the database can't be read or written now; null for every other error. */
export function unavailableOf(error: unknown): Refused | null {
  if (!(error instanceof BetterSqlite3.SqliteError)) return null;
  const { code } = error;
  if (!CAUSES.some((cause) => code === cause || code.startsWith(`${cause}_`))) return null;
  return new Refused(refusal("store_unavailable", "the store can't be written; nothing was changed", { cause: code }), {
    cause: error,
  });
}
