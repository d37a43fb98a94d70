/** The command line of the benchmark. */
import { parseArgs } from "node:util";

export interface Options {
  readonly rounds: number;
  /** How long each measurement takes. */
  readonly seconds: number;
}

export const USAGE = `Usage: npm run bench -- [options]

Measures durable cancels of Belay over gRPC and over HTTP/JSON, beside servers that do nothing but answer.

  --rounds <n>     how often every series is measured (default: 5)
  --seconds <s>    how long each measurement takes (default: 0.75)
  --quick          one short round: is everything in order?
  --help           show this`;

/** Null: help is asked for. Throws an error for people if the command line is wrong. */
export function parseOptions(argv: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const defaults: Options = values.quick ? { rounds: 1, seconds: 0.5 } : { rounds: 5, seconds: 0.75 };
  const rounds = values.rounds === undefined ? defaults.rounds : Number(values.rounds);
  const seconds = values.seconds === undefined ? defaults.seconds : Number(values.seconds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds must be a whole number from 1 to 100, not "${values.rounds}"`);
  }
  if (!(seconds >= 0.1 && seconds <= 60)) throw new Error(`--seconds must be 0.1 to 60, not "${values.seconds}"`);
  return { rounds, seconds };
}
