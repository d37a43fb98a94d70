/** Starts the server of a fuzz run, and notices everything that it should not do. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { GoodKey } from "./calls.ts";
import type { Measure } from "./measured.ts";

export interface FuzzedServer {
  readonly url: string;
  readonly port: number;
  /** What it takes of the machine, after a garbage collection. */
  measure(): Promise<Measure>;
  /** What it has logged. It logs faults only, so there should be nothing. */
  faults(): string;
  /** Null while it runs; after that how it ended. */
  ended(): string | null;
  close(): Promise<void>;
}

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
const MEASURED = resolve(import.meta.dirname, "measured.ts");

const MEASURE_DEADLINE_MS = 20_000;

// The first faults tell enough.
const MAX_PRINTED = 100_000;

/** `belay serve`, on a free port and a database of its own. It believes every caller who says where it calls from. */
export async function startFuzzedServer(key: GoodKey): Promise<FuzzedServer> {
  const folder = mkdtempSync(join(tmpdir(), "belay-fuzz-"));
  const options = ["--port", "0", "--db", join(folder, "belay.sqlite"), "--log-level", "error"];
  const child = fork(
    MAIN,
    ["serve", ...options, "--trusted-proxy", "127.0.0.1", ...(key === null ? [] : ["--api-key", key])],
    {
      execArgv: ["--expose-gc", "--import", MEASURED],
      env: { PATH: process.env["PATH"] },
      silent: true,
    },
  );
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  let printed = "";
  const listening = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      if (printed.length < MAX_PRINTED) printed += text;
      const url = /^belay: listening on (http:\S+)/m.exec(printed)?.[1];
      if (url !== undefined) listening.resolve(url);
    });
  }
  let ended: string | null = null;
  const exit = once(child, "exit").then(([code, signal]) => {
    ended = `exit code ${code}, signal ${signal}`;
    listening.reject(new Error(`the server ended (${ended}):\n${printed}`));
  });
  const url = await listening.promise;

  return {
    url,
    port: Number(new URL(url).port),
    async measure() {
      const answer = once(child, "message");
      child.send("measure");
      const busy = Promise.withResolvers<[null]>();
      const timer = setTimeout(busy.resolve, MEASURE_DEADLINE_MS, [null]);
      const [measure] = await Promise.race([answer, busy.promise, exit.then(() => [null])]);
      clearTimeout(timer);
      if (measure === null) throw new Error(`the server ${ended === null ? "hangs" : `ended (${ended})`}:\n${printed}`);
      return measure;
    },
    // What is for people begins with the name of the program.
    faults: () =>
      printed
        .split("\n")
        .filter((line) => !/^(belay\b|\s|$)/.test(line))
        .join("\n"),
    ended: () => ended,
    async close() {
      if (ended === null) kill();
      await exit;
      process.off("exit", kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
