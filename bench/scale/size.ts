/** One store of a certain size, served, and measured beside others. */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FIRST_DECIMAL } from "../load/execution_id.ts";
import type { LoadProcess } from "../load/process.ts";
import { residentSet } from "../resident_set.ts";
import { type BelayServer, startBelay } from "../servers/belay.ts";
import { fillStore } from "./fill_store.ts";

/** How many executions there are, and how many of them are held, each with a timer. The others wait to be started. */
export interface Size {
  readonly executions: number;
  readonly held: number;
  readonly workers: number;
}

export interface SizedServer {
  readonly size: Size;
  readonly belay: BelayServer;
  /** Of the database, in bytes. */
  readonly fileSize: number;
  /** Of the process after its start, in MiB. */
  readonly memoryAtStart: number;
  /** One call at a time, so that nothing but the call itself takes time. The median, in milliseconds. */
  cancelP50(count: number): Promise<number>;
  getP50(seconds: number): Promise<number>;
}

const ONE_AT_A_TIME = { wire: "grpc", ids: "decimal", connections: 1, streams: 1 } as const;

/** A store that is served again and again. */
export async function fillFolder(folder: string, size: Size): Promise<string> {
  const database = join(folder, `executions-${size.executions}`);
  mkdirSync(database);
  // Leases far in the future: no timer is due while measured.
  await fillStore(join(database, "belay.db"), { ...size, kind: "process", firstId: FIRST_DECIMAL, detail: {} });
  return database;
}

export async function serveSize(folder: string, size: Size, load: LoadProcess): Promise<SizedServer> {
  const fileSize = statSync(join(folder, "belay.db")).size;
  const belay = await startBelay(folder);
  const { url } = belay;
  const pending = { first: FIRST_DECIMAL + size.held, count: size.executions - size.held };
  let cancelled = 0;
  return {
    size,
    belay,
    fileSize,
    memoryAtStart: residentSet(belay.pid),
    cancelP50: async (count) => {
      const last = pending.first + pending.count;
      const order = { ...ONE_AT_A_TIME, url, call: "cancel", ...pending, skip: cancelled } as const;
      if (pending.first + cancelled + count > last) throw new Error(`not ${count} of ${size.executions} are left`);
      const { latency } = await load.run({ ...order, seconds: null, most: count });
      cancelled += count;
      return latency.p50;
    },
    getP50: async (seconds) => {
      const all = { first: FIRST_DECIMAL, count: size.executions };
      const { latency } = await load.run({ ...ONE_AT_A_TIME, url, call: "get", ...all, seconds });
      return latency.p50;
    },
  };
}
