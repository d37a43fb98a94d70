/** Opens the store that the configuration names. */
import type { Logger } from "pino";
import { type Clock, systemClock } from "../service/clock.ts";
import { openSqliteStore, type SqliteOptions } from "../store/sqlite/open.ts";
import type { Store } from "../store/store.ts";
import type { ServerConfig } from "./config.ts";

export interface OpenStore {
  readonly store: Store;
  /** The time that counts for everybody who has this store. */
  readonly clock: Clock;
}

/** Rejects with a StoreOpenError. */
export async function openStore(
  { database, databaseUrl }: Pick<ServerConfig, "database" | "databaseUrl">,
  logger: Logger,
  options: SqliteOptions = {},
): Promise<OpenStore> {
  if (databaseUrl === null) {
    return { store: await openSqliteStore(database, { ...options, thread: true, logger }), clock: systemClock() };
  }
  // Not for those who have SQLite, who need nothing of it.
  const { openPostgresStore } = await import("../store/postgres/open.ts");
  const store = await openPostgresStore({ ...options, url: databaseUrl, logger });
  return { store, clock: store.clock };
}
