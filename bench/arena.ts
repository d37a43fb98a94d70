/** What most sections need: a Belay on a new database with a worker attached, a load process, and bare servers beside them. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { attachWorker } from "./load/attached_worker.ts";
import type { Wire } from "./load/order.ts";
import { type LoadProcess, startLoadProcess } from "./load/process.ts";
import { registeredSupply, type Supply, type Work } from "./load/supply.ts";
import { type BelayServer, startBelay } from "./servers/belay.ts";
import { type EchoLibrary, startEcho } from "./servers/echo.ts";
import { sampleAnswers } from "./servers/sample_answers.ts";
import { withOpened } from "./with_opened.ts";

export interface Arena {
  readonly load: LoadProcess;
  readonly belay: BelayServer;
  readonly supplies: Readonly<Record<Work, Supply>>;
  /** Starts a bare server, and resolves with its URL. */
  startEcho(library: EchoLibrary, wire: Wire): Promise<string>;
}

/** Each in a process of its own. All of them have ended when the promise settles. */
export async function inArena<T>(folder: string, use: (arena: Arena) => Promise<T>): Promise<T> {
  return await withOpened(async (opened) => use(await openArena(folder, opened)));
}

async function openArena(folder: string, opened: AsyncDisposableStack): Promise<Arena> {
  const load = startLoadProcess();
  opened.defer(load.close);
  const belay = await startBelay(mkdtempSync(join(folder, "arena-")));
  opened.defer(belay.close);
  const worker = await attachWorker(belay.url);
  opened.defer(worker.detach);
  const samples = await sampleAnswers(belay.url);
  return {
    load,
    belay,
    supplies: {
      pending: registeredSupply(load, belay.url, "pending"),
      running: registeredSupply(load, belay.url, "running"),
    },
    startEcho: async (library, wire) => {
      const server = await startEcho(library, wire, samples);
      opened.defer(server.close);
      return server.url;
    },
  };
}
