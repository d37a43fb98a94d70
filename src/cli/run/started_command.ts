/** Starts the command in a process group of its own. */
import { spawn } from "node:child_process";
import { isatty } from "node:tty";
import type { Exit } from "./exit.ts";
import { type ProcessFamily, processFamily } from "./process_family.ts";
import type { ProcessEntry, ProcessTable } from "./process_table.ts";

/** A command that runs. */
export interface StartedCommand {
  readonly family: ProcessFamily;
  /** Resolves when the process that was started has ended. Its descendants may live on. */
  readonly exited: Promise<Exit>;
  /** Lets this process end before the command has. */
  abandon(): void;
}

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Starts `command` as the leader of a session and process group of its own, with the caller's input and outputs.
 *
 * @param marker a text unlike any other, put into the environment so that descendants can be told
 * @param environment what the command sees on top of the caller's environment
 * @throws the system's error if it can't be started
 */
export async function startCommand(
  { file, args }: CommandLine,
  marker: string,
  environment: Readonly<Record<string, string>>,
  table: ProcessTable,
): Promise<StartedCommand> {
  const self = table.read().find((entry) => entry.pid === process.pid);
  if (self === undefined) throw new Error("the process table can't be read, so no stop could be proven");
  const outer = process.env["BELAY_RUN"];
  const child = spawn(file, args, {
    detached: true,
    stdio: [mayReadInput(self) ? "inherit" : "ignore", "inherit", "inherit"],
    // One `belay run` within another keeps the marks of both.
    env: { ...process.env, ...environment, BELAY_RUN: outer === undefined ? marker : `${outer},${marker}` },
  });
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const { pid } = child;
  if (pid === undefined) {
    await exited;
    throw new Error(`${file} was not started`);
  }
  // Node collects an ended child in a later turn of the event loop, so even one that has ended already is in the table now.
  const leader = table.read().find((entry) => entry.pid === pid);
  if (leader === undefined) {
    process.kill(-pid, "SIGKILL");
    throw new Error(`process ${pid}, just started, is not in the process table`);
  }
  return { family: processFamily({ leader, marker }, table), exited, abandon: () => child.unref() };
}

/**
 * False if the input is a terminal at which another job is in the foreground. A session of its own is not stopped by the terminal when it
 * reads in the background, so it would take the input of the shell.
 */
function mayReadInput(self: ProcessEntry): boolean {
  return !isatty(0) || self.foregroundGroup === self.group;
}
