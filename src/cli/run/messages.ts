/** What `belay run` says for itself, on the error output that it shares with its command. */
import { writeSync } from "node:fs";
import { printable } from "../printable.ts";

export interface Messages {
  /** What goes wrong. Said even with --quiet. */
  error(message: string): void;
  /** That the command is being stopped, and that the connection is lost or back. */
  notice(message: string): void;
  /** Everything else: said with --verbose. */
  detail(message: string): void;
}

export type Verbosity = "quiet" | "normal" | "verbose";

export function messagesTo(write: (line: string) => void, verbosity: Verbosity): Messages {
  const say = (message: string): void => write(`belay: ${printable(message)}\n`);
  return {
    error: say,
    notice: (message) => verbosity !== "quiet" && say(message),
    detail: (message) => verbosity === "verbose" && say(message),
  };
}

/** Writes to the error output without touching `process.stderr`, which would change the mode of the file that the command shares. */
export function writeToStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nobody reads the error output any more, or it is full: there is nowhere left to say so, and the command matters more.
  }
}
