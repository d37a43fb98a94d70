/** The databases that the tests of the store run over, each test on a fresh one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { Kysely, PostgresDialect, SqliteDialect } from "kysely";
import { pino } from "pino";
import { type Clock, systemClock } from "../../src/service/clock.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import type { Schema } from "../../src/store/schema.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";

/** An empty database of one test. */
interface FreshDatabase {
  /**
   * Opens a store on it, for the caller to close.
   *
   * @param decidingClock whose time counts where commands are decided; that of a SQLite store is the caller's anyway
   */
  open(decidingClock: "database" | "caller"): Promise<{ readonly store: Store; readonly clock: Clock }>;
  /** Connects to it beside the store. */
  connect(): Kysely<Schema>;
  remove(): Promise<void>;
}

export interface Database {
  readonly name: "SQLite" | "PostgreSQL";
  create(): Promise<FreshDatabase>;
}

export const SQLITE: Database = { name: "SQLite", create: createSqlite };

/** For `describe.each(DATABASES)("… over $name", …)`. */
export const DATABASES: readonly Database[] = [SQLITE, { name: "PostgreSQL", create: createPostgres }];

/** A store on a fresh database, decided by the test's clock. */
export interface StoreUnderTest {
  store: Store;
  /** Looks into the database, beside the store. */
  readonly db: Kysely<Schema>;
  /** Closes the store and opens it again, as a restart would. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export async function openStore(database: Database): Promise<StoreUnderTest> {
  const fresh = await database.create();
  const { store } = await fresh.open("caller");
  const db = fresh.connect();
  const test: StoreUnderTest = {
    store,
    db,
    reopen: async () => {
      await test.store.close();
      test.store = (await fresh.open("caller")).store;
    },
    close: async () => {
      await db.destroy();
      await test.store.close();
      await fresh.remove();
    },
  };
  return test;
}

async function createSqlite(): Promise<FreshDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  const path = join(folder, "belay.db");
  return {
    open: async () => ({ store: await openSqliteStore(path), clock: systemClock() }),
    connect: () => new Kysely<Schema>({ dialect: new SqliteDialect({ database: new BetterSqlite3(path) }) }),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function createPostgres(): Promise<FreshDatabase> {
  const url = await (await sharedCluster()).createDatabase();
  return {
    open: async (decidingClock) => {
      const store = await openPostgresStore({ url, logger: pino({ level: "silent" }), decidingClock });
      return { store, clock: store.clock };
    },
    connect: () => connectPostgres(url),
    // It goes with the cluster.
    remove: async () => undefined,
  };
}

export function connectPostgres(url: string): Kysely<Schema> {
  // A connection that breaks shows in the next query.
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: createPool({ url, size: 2 }, () => undefined) }) });
}
