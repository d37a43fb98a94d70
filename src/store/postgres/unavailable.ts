/** Tells a database that can't work from a fault of the program. */
import pg from "pg";
import { Refused, refusal } from "../../domain/refusal.ts";

/**
 * Classes of SQLSTATE: connection exceptions, credentials that count no more, a database that is gone, insufficient resources, operator
 * intervention and statements that took too long, system errors. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CLASSES = ["08", "28", "3D", "53", "57", "58"];

/** A transaction that did nothing for too long, a read-only standby, a lock that was waited for too long, and damaged data. */
const CODES = ["25P03", "25006", "55P03", "XX001", "XX002"];

/** What Node and the driver say when the server is away, or goes away. */
const BROKEN = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_AGAIN)/;
const DRIVER_WORDS = /connection terminated|timeout exceeded when trying to connect|connection error|not queryable/i;

/** The refusal for an error that says that the database can't be reached or written now; null for every other error. */
export function unavailableOf(error: unknown): Refused | null {
  const cause = causeOf(error);
  if (cause === null) return null;
  const message = "the store can't be reached or written; whether anything was changed is only known to it";
  return new Refused(refusal("store_unavailable", message, { cause }), { cause: error });
}

function causeOf(error: unknown): string | null {
  if (error instanceof pg.DatabaseError) {
    const { code = "" } = error;
    return CLASSES.includes(code.slice(0, 2)) || CODES.includes(code) ? code : null;
  }
  if (!(error instanceof Error)) return null;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (BROKEN.test(code)) return code;
  return DRIVER_WORDS.test(error.message) ? "connection lost" : null;
}
