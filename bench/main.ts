/** `npm run bench`: durable cancels a second and their latency, beside servers that do nothing but answer. See docs/performance.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { runBenchmark } from "./benchmark.ts";
import { describeMachine } from "./machine.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { report } from "./report.ts";
import { summarize } from "./summary.ts";

// In the checkout, because a folder for temporary files may be in memory, where durable costs nothing.
const RESULTS = join(import.meta.dirname, "results");

let options: Options | null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
}
if (options === null) console.log(USAGE);
else await run(options);

async function run({ rounds, seconds }: Options): Promise<void> {
  const machine = describeMachine();
  mkdirSync(RESULTS, { recursive: true });
  const folder = mkdtempSync(join(RESULTS, "databases-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeFolder);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  const measured = await runBenchmark({ rounds, seconds, folder, onProgress: (line) => console.error(line) });
  const summary = summarize(measured);
  console.log(`\n${report(summary, machine, { rounds, seconds })}`);
  const file = join(RESULTS, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify({ machine, rounds, seconds, summary, measured }, null, 2)}\n`);
  console.log(`\nEvery round's figures: ${relative(process.cwd(), file)}`);
}
