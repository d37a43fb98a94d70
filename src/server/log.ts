/** The server's log: JSON lines on its standard output. */
import { type Logger, pino } from "pino";
import type { Millis } from "../domain/time.ts";

// Lines are written together: a write of its own takes longer than all else that a line costs.
const BUFFERED_BYTES = 8 * 1024;

/** How long a line waits for others at most. */
const FLUSH_EVERY: Millis = 50;

// Whoever reads the log may be slow, or gone: what it does not take is dropped from here on.
const MOST_UNWRITTEN_BYTES = 16 * 1024 * 1024;

/** pino's number for errors: those, and what is worse, wait for nothing, because a process that is killed keeps to itself what waits. */
const ERROR = 50;

export function openLog(level: string): Logger {
  const output = pino.destination({
    dest: 1,
    sync: false,
    minLength: BUFFERED_BYTES,
    periodicFlush: FLUSH_EVERY,
    maxLength: MOST_UNWRITTEN_BYTES,
  });
  goOnWithout(output);
  const lines = {
    // Has pino say the level of each line before it writes it.
    [Symbol.for("pino.metadata")]: true,
    lastLevel: 0,
    write(line: string): void {
      output.write(line);
      if (lines.lastLevel >= ERROR) output.flush();
    },
  };
  return pino({ level }, lines);
}

/** A server that can't write its log, because its disk is full, still stops what it is told to. It says so once until a write succeeds. */
function goOnWithout(output: ReturnType<typeof pino.destination>): void {
  let isLost = false;
  output.on("error", ({ message }: Error) => {
    if (!isLost) process.stderr.write(`belay: the log can't be written: ${message}; the server goes on without it\n`);
    isLost = true;
  });
  output.on("write", () => {
    isLost = false;
  });
  // It would try again and again, and the process would never end.
  const giveUp = (): void => {
    if (isLost) output.destroy();
  };
  process.prependListener("beforeExit", giveUp);
  process.prependListener("exit", giveUp);
}
