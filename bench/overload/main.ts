/** `npm run bench:overload`: what becomes of cancels when there are five times more calls than the server can answer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../machine.ts";
import { runOverloadBenchmark } from "./benchmark.ts";
import { report } from "./report.ts";

// In the checkout, because a folder for temporary files may be in memory, where durable costs nothing.
const RESULTS = join(import.meta.dirname, "..", "results");

const USAGE = `Usage: npm run bench:overload -- [options]

Finds the load of mixed calls that Belay sustains, then offers it half of that, five times that, and half again.

  --rounds <n>    how often everything is measured, each time with a new server (default: 3)
  --seconds <s>   how long each phase takes (default: 20)
  --rate <n>      the calls a second that it sustains, instead of finding them
  --watchers <n>  how many watchers that never read are there the second time (default: 1000; 0: no second time)
  --folder <path> on which disk the database is (default: that of the checkout)
  --help          show this`;

const OPTIONS = {
  rounds: { type: "string", default: "3" },
  seconds: { type: "string", default: "20" },
  rate: { type: "string" },
  watchers: { type: "string", default: "1000" },
  folder: { type: "string", default: RESULTS },
  help: { type: "boolean", default: false },
} as const;

const values = valuesGiven();
if (values.help) console.log(USAGE);
else await run();

async function run(): Promise<void> {
  const machine = describeMachine();
  const rounds = wholeNumberOf("--rounds", values.rounds, 1, 100);
  const seconds = numberOf("--seconds", values.seconds, 1, 600);
  const sustainable = values.rate === undefined ? null : numberOf("--rate", values.rate, 1, 100_000);
  const watchers = wholeNumberOf("--watchers", values.watchers, 0, 5_000);
  mkdirSync(RESULTS, { recursive: true });
  const folder = mkdtempSync(join(values.folder, "databases-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  const onProgress = (line: string): void => console.error(line);
  const measured = await runOverloadBenchmark({ folder, rounds, seconds, sustainable, watchers, onProgress });
  console.log(`\n${report(measured)}`);
  const file = join(RESULTS, `overload-${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify({ machine, seconds, watchers, rounds: measured }, null, 2)}\n`);
  console.log(`\nEvery figure: ${relative(process.cwd(), file)}`);
}

function valuesGiven(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"] {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumberOf(name: string, text: string, from: number, to: number): number {
  const value = numberOf(name, text, from, to);
  return Number.isInteger(value) ? value : refuse(`${name} must be a whole number, not "${text}"`);
}

function numberOf(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text !== "" && value >= from && value <= to) return value;
  return refuse(`${name} must be a number from ${from} to ${to}, not "${text}"`);
}

function refuse(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}
