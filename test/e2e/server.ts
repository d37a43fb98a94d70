/** A real `belay serve` process, on a free port and a SQLite file of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Started, startBelay } from "../cli/belay_command.ts";

export interface TestServer {
  /** For example "http://127.0.0.1:40123". Stays the same over restarts. */
  readonly url: string;
  /** SIGTERM: shuts it down in order. Resolves with its exit code. */
  stop(): Promise<number | string>;
  /** SIGKILL: as if the power had failed. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and file. */
  restart(): Promise<void>;
  /** Ends it and removes its file. Rejects if it logged a fault that no test has noticed. */
  close(): Promise<void>;
}

/** Resolves when it serves. `args` are more options of `belay serve`. */
export async function startServer(...args: readonly string[]): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "belay-e2e-"));
  const database = join(folder, "belay.sqlite");
  const faults: string[] = [];

  const start = async (port: string): Promise<{ readonly started: Started; readonly url: string }> => {
    const started = startBelay(["serve", "--port", port, "--db", database, "--log-level", "error", ...args]);
    const [, url = ""] = await started.prints(/^belay: listening on (https?:\S+)/m);
    return { started, url };
  };
  const end = async (signal: NodeJS.Signals): Promise<number | string> => {
    const { started } = running;
    started.process.kill(signal);
    const exit = await started.ended;
    faults.push(...started.output().split("\n").filter(isFault));
    return exit;
  };

  let running = await start("0");
  const { url } = running;
  return {
    url,
    stop: () => end("SIGTERM"),
    async kill() {
      await end("SIGKILL");
    },
    async restart() {
      running = await start(new URL(url).port);
    },
    async close() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      if (faults.length > 0) throw new Error(`the server logged faults:\n${faults.join("\n")}`);
    },
  };
}

/** The server logs JSON, one line each; all else is for people. */
function isFault(line: string): boolean {
  return line.startsWith("{");
}
