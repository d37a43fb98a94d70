/** Real `belay` processes, started as a person at a shell would start them. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Readable, Writable } from "node:stream";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");

export interface BelayProcess {
  readonly pid: number;
  readonly stdin: Writable;
  /** Everything it has printed so far, on standard output and standard error. */
  output(): string;
  /** Resolves with the first match in what it prints. Rejects if it ends without one. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code when it has ended and all its output is read. */
  readonly ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export function startBelay(args: readonly string[], cwd: string): BelayProcess {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  // A command that has ended does not read what is written to it any more.
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const ended = once(child, "close").then(([code]) => (typeof code === "number" ? code : 1));

  return {
    pid: child.pid ?? Number.NaN,
    stdin: child.stdin,
    output: () => output,
    ended,
    kill: (signal) => void child.kill(signal),
    prints: (pattern) =>
      new Promise((found, missed) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          listeners.delete(look);
          found(match);
        };
        listeners.add(look);
        look();
        ended.then(
          () => missed(new Error(`belay ${args.join(" ")} ended without printing ${pattern}:\n${output}`)),
          missed,
        );
      }),
  };
}
