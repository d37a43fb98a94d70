/** `npm run bench`: see docs/performance.md. */
import { relative } from "node:path";
import { writeDocs } from "./docs/write_docs.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { runProfile } from "./profile/run_profile.ts";
import { keptRuns, readResult, writeResult } from "./result_file.ts";
import { runSections } from "./run_sections.ts";

let options: Options;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(2);
}
// The listeners of "exit" end the servers and remove their databases; the other processes end when this one does.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
await run(options);

async function run(chosen: Options): Promise<void> {
  switch (chosen.mode) {
    case "help":
      console.log(USAGE);
      return;
    case "docs": {
      const runs = chosen.files.length === 0 ? keptRuns() : chosen.files.map(readResult);
      for (const file of writeDocs(runs)) console.log(`wrote ${relative(process.cwd(), file)}`);
      return;
    }
    case "profile":
      await runProfile(chosen.seconds);
      return;
    case "run": {
      const { result, failed } = await runSections(chosen);
      console.log(`\nEvery round's figures: ${relative(process.cwd(), writeResult(result))}`);
      if (failed.length > 0) {
        console.error(`failed: ${failed.join(", ")}`);
        process.exitCode = 1;
      }
      return;
    }
  }
}
