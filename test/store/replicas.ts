/** Two stores on one fresh PostgreSQL database, as two replicas have them, and what tests send them. */
import type { Kysely } from "kysely";
import { pino } from "pino";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { openPostgresStore, type PostgresStore } from "../../src/store/postgres/open.ts";
import type { Schema } from "../../src/store/schema.ts";
import type { Envelope } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { connectPostgres } from "./databases.ts";

export interface Replicas {
  readonly url: string;
  readonly one: PostgresStore;
  readonly other: PostgresStore;
  /** Looks into the database, beside them. */
  readonly db: Kysely<Schema>;
  /** Another one, for the caller to close. */
  open(): Promise<PostgresStore>;
  close(): Promise<void>;
}

export async function openReplicas(): Promise<Replicas> {
  const url = await (await sharedCluster()).createDatabase();
  const open = () => openPostgresStore({ url, logger: pino({ level: "silent" }) });
  const [one, other] = [await open(), await open()];
  const db = connectPostgres(url);
  return {
    url,
    one,
    other,
    db,
    open,
    close: async () => {
      await db.destroy();
      await Promise.all([one.close(), other.close()]);
    },
  };
}

export function keyOfProcess(id: string): ExecutionKey {
  return { tenant: "default", kind: "process", id };
}

export function sent(key: ExecutionKey, command: Command, change: Partial<Envelope> = {}): Envelope {
  return { key, command, idempotency: null, effectId: null, audit: null, ...change };
}

export function register(change: Partial<Extract<Command, { type: "register" }>> = {}): Command {
  return { type: "register", spec: specWith(), queueItems: [], claim: null, ...change };
}
