/** Connections to PostgreSQL. */
import { Socket } from "node:net";
import pg from "pg";
import type { Millis } from "../../domain/time.ts";

export interface PoolOptions {
  /** For example "postgres://belay@db.example.com/belay". */
  readonly url: string;
  /** How many connections this process may have open. */
  readonly size: number;
  /** As whom the connections show themselves in PostgreSQL. Default: "belay". */
  readonly name?: string;
  /** How long one statement may take; 0: as long as it needs. Default: 10 seconds, well below what callers wait. */
  readonly statementTimeout?: Millis;
  /** Keeps the sockets of the open connections, for whoever has to break them. */
  readonly sockets?: Set<Socket>;
}

/** How long a connection may take to be there: a caller waits for it. */
const CONNECT_TIMEOUT: Millis = 3_000;

const STATEMENT_TIMEOUT: Millis = 10_000;

/**
 * How long a transaction may do nothing: a process that hangs in one must not keep its locks. Others who wait for them wait for longer than
 * this.
 */
const IDLE_TRANSACTION_TIMEOUT: Millis = 5_000;

const BIGINT = 20;
const BIGINT_ARRAY = 1016;

/** Numbers of rows and times, which all fit a double. As they come, they would be texts. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (oid === BIGINT) return Number;
    if (oid === BIGINT_ARRAY) return numbersOf;
    return format === "binary" ? pg.types.getTypeParser(oid, "binary") : pg.types.getTypeParser(oid, "text");
  },
};

/** "{1,2}" */
function numbersOf(text: string): number[] {
  return text
    .slice(1, -1)
    .split(",")
    .filter((number) => number !== "")
    .map(Number);
}

export function createPool(options: PoolOptions, onError: (error: Error) => void): pg.Pool {
  const { url, size, name = "belay", statementTimeout = STATEMENT_TIMEOUT, sockets } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT,
    application_name: name,
    keepAlive: true,
    types,
    ...(sockets !== undefined && { stream: () => keptSocket(sockets) }),
  });
  // A connection that breaks while nobody uses it. The next call opens another.
  pool.on("error", onError);
  // One that breaks in use tells so to its user, whose next statement fails. Without a listener of its own it would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** A socket for a connection to be, kept among `sockets` until it is closed. */
export function keptSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  return socket.once("close", () => sockets.delete(socket));
}
