/** What to say when a PostgreSQL database can't be opened. */
import { Refused } from "../../domain/refusal.ts";
import { StoreOpenError } from "../store_open_error.ts";

export function postgresOpenError(url: string, error: unknown): StoreOpenError {
  return new StoreOpenError(`can't open the database ${withoutPassword(url)}: ${reasonOf(error)}`, { cause: error });
}

function withoutPassword(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return "(not a URL)";
  parsed.password = "";
  parsed.search = "";
  return parsed.href;
}

/** An error of several attempts has no message of its own. */
function reasonOf(error: unknown): string {
  // What callers of a server are told says less than its cause.
  if (error instanceof Refused && error.cause !== undefined) return reasonOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
