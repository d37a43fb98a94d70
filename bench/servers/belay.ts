/** Belay as it is delivered: `belay serve` with its defaults. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface BelayServer extends Server {
  /** Of its process. */
  readonly pid: number;
  /** From when its process was started until it listened, in milliseconds. */
  readonly startTime: number;
}

/** Starts it on the SQLite file `belay.db` in `folder`, and resolves when it listens. `nodeOptions` are options of Node itself. */
export function startBelay(folder: string, nodeOptions: readonly string[] = []): Promise<BelayServer> {
  return serve(["--db", join(folder, "belay.db")], nodeOptions);
}

/** Starts a replica on a PostgreSQL database, and resolves when it listens. */
export function startReplica(databaseUrl: string): Promise<BelayServer> {
  return serve(["--database-url", databaseUrl], []);
}

async function serve(database: readonly string[], nodeOptions: readonly string[]): Promise<BelayServer> {
  const args = [...nodeOptions, MAIN, "serve", "--port", "0", ...database];
  const startedAt = performance.now();
  // It writes its log, one line a request, but nobody takes time to read it.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const killChild = (): boolean => child.kill("SIGKILL");
  // Before the folder of its database is removed.
  process.prependOnceListener("exit", killChild);
  const ended = once(child, "exit");
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    process.off("exit", killChild);
  };
  let printed = "";
  for await (const text of child.stderr.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    printed += String(text);
    const [, url] = /listening on (http:\S+)/.exec(printed) ?? [];
    if (url === undefined) continue;
    child.stderr.resume();
    return { url, pid: child.pid ?? Number.NaN, startTime: performance.now() - startedAt, close };
  }
  throw new Error(`belay serve ended before it listened:\n${printed}`);
}
