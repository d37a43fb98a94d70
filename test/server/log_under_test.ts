/** A logger whose lines a test can wait for. */
import { EventEmitter, once } from "node:events";
import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

/** pino's numbers. */
export const LEVEL = { debug: 20, info: 30, warn: 40, error: 50 };

export interface LogUnderTest {
  readonly logger: Logger;
  readonly lines: readonly Line[];
  /** The first line that fits, of those that were logged and those to come. */
  logged(fits: (line: Line) => boolean): Promise<Line>;
}

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly err?: { readonly message: string };
  readonly [more: string]: unknown;
}

export function createLog(): LogUnderTest {
  const lines: Line[] = [];
  const log = new EventEmitter();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()));
      log.emit("line");
      done();
    },
  });
  return {
    logger: pino({ level: "debug" }, stream),
    lines,
    async logged(fits) {
      for (;;) {
        const line = lines.find(fits);
        if (line !== undefined) return line;
        await once(log, "line");
      }
    },
  };
}
