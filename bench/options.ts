/** The command line of the benchmark. */
import { parseArgs } from "node:util";
import { SECTION_NAMES, type SectionName } from "./section.ts";

export type Options = RunOptions | ProfileOptions | DocsOptions | HelpOptions;

interface RunOptions {
  readonly mode: "run";
  readonly sections: readonly SectionName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
}

interface ProfileOptions {
  readonly mode: "profile";
  readonly seconds: number;
}

interface DocsOptions {
  readonly mode: "docs";
  /** Results to show. None: the latest of each section. */
  readonly files: readonly string[];
}

interface HelpOptions {
  readonly mode: "help";
}

export const USAGE = `Usage: npm run bench -- [options]

Measures Belay beside servers that do nothing but answer, and says whether its targets are reached.

  --only <names>   some sections, with commas between: ${SECTION_NAMES.join(", ")}
  --rounds <n>     how often everything is measured (default: 5)
  --seconds <s>    how long a timed measurement takes (default: 2)
  --quick          one short round in small: is everything in order?
  --profile        where the processor time of a cancel goes, function by function, instead of the sections
  --docs [file …]  writes the figures of these results, or the latest of each section, into docs/performance.md, and draws the plot
  --help           show this`;

const FULL = { rounds: 5, seconds: 2 };
const QUICK = { rounds: 1, seconds: 0.5 };

/** Throws an error for people if the command line is wrong. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return { mode: "help" };
  if (values.docs) return { mode: "docs", files: positionals };
  if (positionals.length > 0) throw new Error(`only --docs takes files, so not "${positionals.join(" ")}"`);
  const defaults = values.quick ? QUICK : FULL;
  const rounds = values.rounds === undefined ? defaults.rounds : Number(values.rounds);
  const seconds = values.seconds === undefined ? defaults.seconds : Number(values.seconds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds must be a whole number from 1 to 100, not "${values.rounds}"`);
  }
  if (!(seconds >= 0.1 && seconds <= 60)) throw new Error(`--seconds must be 0.1 to 60, not "${values.seconds}"`);
  if (values.profile) return { mode: "profile", seconds };
  return { mode: "run", sections: sectionsOf(values.only), rounds, seconds, isQuick: values.quick };
}

function sectionsOf(only: string | undefined): readonly SectionName[] {
  if (only === undefined) return SECTION_NAMES;
  const names = only.split(",").map((name) => name.trim().replaceAll("-", "_"));
  const unknown = names.filter((name) => !SECTION_NAMES.some((section) => section === name));
  if (unknown.length > 0) {
    throw new Error(`--only knows no "${unknown.join(", ")}", but: ${SECTION_NAMES.join(", ")}`);
  }
  return SECTION_NAMES.filter((section) => names.includes(section));
}
