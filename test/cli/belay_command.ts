/** Runs the real command line as a process of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `belay` to its end. */
export function belay(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env: cleanEnv(env) }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") failed(error);
      else done({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
    child.stdin?.end();
  });
}

export interface Started {
  readonly process: ChildProcess;
  /** All it has printed so far. */
  output(): string;
  /** Resolves with the first match in what it prints; rejects if it ends without one. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts `belay` and lets it run, until the last test of the file has finished at most.
 *
 * @param stdout an open file that takes its standard output, instead of what it is seen to print
 */
export function startBelay(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdout: number | "pipe" = "pipe",
): Started {
  const child = spawn(process.execPath, [MAIN, ...args], { env: cleanEnv(env), stdio: ["ignore", stdout, "pipe"] });
  running.add(child);
  let output = "";
  const lookers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of lookers) look();
    });
  }
  const ended = once(child, "close").then(([code, signal]): number | string => {
    running.delete(child);
    return code ?? signal;
  });
  return {
    process: child,
    output: () => output,
    ended,
    prints: (pattern) =>
      new Promise((found, missed) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          lookers.delete(look);
          found(match);
        };
        lookers.add(look);
        look();
        ended.then(() => missed(new Error(`ended without printing ${pattern}:\n${output}`)), missed);
      }),
  };
}

/** A server on a free port and a database of its own. */
export interface TestServer extends Started {
  readonly address: string;
  stop(): Promise<void>;
}

export async function startServer(folder: string, ...args: readonly string[]): Promise<TestServer> {
  const started = startBelay([
    "serve",
    "--port",
    "0",
    "--db",
    join(folder, "belay.sqlite"),
    "--log-level",
    "error",
    ...args,
  ]);
  const [, address = ""] = await started.prints(/listening on (https?:\S+)/);
  return {
    ...started,
    address,
    stop: async () => {
      started.process.kill("SIGKILL");
      await started.ended;
    },
  };
}

/** One server for all tests of a file. Its address is known once they run. */
export function serverForFile(): { readonly address: string } {
  const server = { address: "" };
  const folder = mkdtempSync(join(tmpdir(), "belay-cli-"));
  let started: TestServer | undefined;
  beforeAll(async () => {
    started = await startServer(folder);
    server.address = started.address;
  });
  afterAll(async () => {
    await started?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "belay-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The environment without what would change how the command behaves or looks. */
function cleanEnv(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("BELAY_") && !["FORCE_COLOR", "NO_COLOR", "NODE_OPTIONS"].includes(name),
  );
  return { ...Object.fromEntries(inherited), ...env };
}
