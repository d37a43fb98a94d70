/** Opens the store over PostgreSQL: one database, any number of processes. */
import type { Socket } from "node:net";
import { Kysely } from "kysely";
import type { Logger } from "pino";
import { v7 as uuidv7 } from "uuid";
import type { Millis } from "../../domain/time.ts";
import { EFFECT_CLAIM } from "../effect_claim.ts";
import type { Faults } from "../faults.ts";
import { createGuard } from "../guard.ts";
import { migrate } from "../migrate.ts";
import { POSTGRES_SCHEMA } from "../migrations/dialect.ts";
import type { Schema } from "../schema.ts";
import type { Store } from "../store.ts";
import { type DatabaseClock, openDatabaseClock } from "./clock.ts";
import { createDialect } from "./dialect.ts";
import { NoticeListener } from "./listener.ts";
import { postgresOpenError } from "./open_error.ts";
import { createPool } from "./pool.ts";
import { createPostgresStore } from "./postgres_store.ts";
import { Pulse } from "./pulse.ts";
import { unavailableOf } from "./unavailable.ts";

export interface PostgresOptions {
  /** For example "postgres://belay@db.example.com/belay". */
  readonly url: string;
  /** How many connections this process may have open, beside the one for notices. Default: 10. */
  readonly poolSize?: number;
  /** Default: "database". */
  readonly decidingClock?: "database" | "caller";
  /** How long an effect that was handed out is not handed out again. Default: 30 seconds. */
  readonly effectClaim?: Millis;
  /** Default: none. */
  readonly faults?: Faults | undefined;
  readonly logger: Logger;
}

export interface PostgresStore extends Store {
  readonly clock: DatabaseClock;
}

/** A batch, its reads and the effects' own, side by side. PostgreSQL itself does best with a few connections a core. */
const DEFAULT_POOL_SIZE = 10;

/** How often the clock is compared with the database's: machines' clocks drift by milliseconds in that time. */
const ADJUST_CLOCK: Millis = 10_000;

/** Connects, and brings the database up to the newest schema. Safe when several processes start at once. */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const {
    url,
    poolSize = DEFAULT_POOL_SIZE,
    decidingClock = "database",
    effectClaim = EFFECT_CLAIM,
    faults,
    logger,
  } = options;
  const onError = (error: Error): void => logger.warn({ err: error }, "a connection to the database is lost");
  const sockets = new Set<Socket>();
  const pool = createPool({ url, size: poolSize, sockets }, onError);
  const pulsePool = createPool({ url, size: 1, sockets, name: "belay pulse" }, onError);
  const pulse = new Pulse({
    pool: pulsePool,
    breakConnections: (reason) => {
      for (const socket of sockets) socket.destroy(reason);
    },
  });
  const db = new Kysely<Schema>({ dialect: createDialect(pool) });
  try {
    await pulse.feel();
    await migrate(db, POSTGRES_SCHEMA);
    const clock = await openDatabaseClock(db);
    const replica = uuidv7();
    const listener = new NoticeListener({ url, replica, logger, sockets });
    listener.start();
    const adjusting = setInterval(() => {
      clock.adjust().catch((error: unknown) => logger.debug({ err: error }, "the clock can't be compared"));
    }, ADJUST_CLOCK);
    const store = createPostgresStore({
      db,
      replica,
      listener,
      pulse,
      guard: createGuard({ unavailableOf, absence: () => pulse.absence }),
      clock: decidingClock,
      effectClaim,
      faults,
    });
    return {
      ...store,
      clock,
      close: async () => {
        clearInterval(adjusting);
        await listener.close();
        await pulsePool.end();
        await db.destroy();
      },
    };
  } catch (error) {
    await pulsePool.end();
    await db.destroy();
    throw postgresOpenError(url, error);
  }
}
