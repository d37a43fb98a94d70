/** Belay as it is delivered: `belay serve` with its defaults, on a file. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "./server.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Starts it on a new database in `folder`, and resolves when it listens. */
export async function startBelay(folder: string): Promise<Server> {
  const args = [MAIN, "serve", "--port", "0", "--db", join(folder, "belay.db")];
  // It writes its log, one line a request, but nobody takes time to read it.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const killChild = (): boolean => child.kill("SIGKILL");
  process.once("exit", killChild);
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
    return { url, close };
  }
  throw new Error(`belay serve ended before it listened:\n${printed}`);
}
