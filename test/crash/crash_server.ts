/** A server process that the crash tests kill, freeze and start again. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Fault, ServerMessage } from "./server_program.ts";

export interface CrashServer {
  /** Stays the same over restarts. */
  readonly url: string;
  /** SIGKILL, unless it is dead already. */
  kill(): Promise<void>;
  /** Starts it again after its death. Resolves when it serves. */
  start(): Promise<void>;
  arm(fault: Fault): void;
  /** Resolves when it is dead. */
  untilDead(): Promise<void>;
  /** Resolves when it stands still at a fault point. */
  untilFrozen(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** What it has logged: all that is worse than a warning. */
  log(): readonly string[];
}

const PROGRAM = resolve(import.meta.dirname, "server_program.ts");

/** @param storage the flags that name the database */
export async function startCrashServer(storage: readonly string[]): Promise<CrashServer> {
  const lines: string[] = [];
  let child: ChildProcess;
  let dead: Promise<void>;

  const launch = async (port: string): Promise<string> => {
    const args = ["--port", port, "--log-level", "error", ...storage];
    child = fork(PROGRAM, args, { silent: true, env: { PATH: process.env["PATH"] }, execArgv: [] });
    const killed = (): void => {
      child.kill("SIGKILL");
    };
    process.once("exit", killed);
    let rest = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const parts = (rest + text).split("\n");
        rest = parts.pop() ?? "";
        lines.push(...parts);
      });
    }
    dead = once(child, "exit").then(() => {
      process.off("exit", killed);
    });
    const served = new Promise<string>((listening) => {
      child.on("message", (message: ServerMessage) => {
        if ("url" in message) listening(message.url);
      });
    });
    const failed = dead.then(() => {
      throw new Error(`the server ended before it served:\n${[...lines.slice(-20), rest].join("\n")}`);
    });
    return await Promise.race([served, failed]);
  };

  const url = await launch("0");
  return {
    url,
    async kill() {
      child.kill("SIGKILL");
      await dead;
    },
    async start() {
      await launch(new URL(url).port);
    },
    arm: (fault) => {
      // One that has died meanwhile has suffered enough.
      if (child.connected) child.send(fault, () => undefined);
    },
    untilDead: () => dead,
    untilFrozen: () =>
      new Promise((frozen) => {
        child.on("message", (message: ServerMessage) => {
          if ("frozen" in message) frozen();
        });
      }),
    freeze: () => {
      child.kill("SIGSTOP");
    },
    thaw: () => {
      child.kill("SIGCONT");
    },
    log: () => lines,
  };
}
