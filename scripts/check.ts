// Everything about the work tree that is judged without running it. All checks run, so that one report shows all faults.
//
//   npm run check                    all of them
//   npm run check -- types imports   only those named
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

const sources = ["src", "gen", "test", "bench", "scripts"].filter((folder) => existsSync(resolve(root, folder)));

/** In order: the later ones read what `sync` collects. */
const checks: Record<string, [command: string, ...args: string[]]> = {
  style: ["biome", "ci", "--colors=off"],
  types: ["tsc"],
  imports: ["depcruise", "--output-type", "err", ...sources],
  unused: ["knip"],
  sync: ["node", "scripts/sync-third-party.ts"],
  contract: ["buf", "lint"],
  breaking: ["node", "scripts/check-breaking.ts"],
  generated: ["node", "scripts/check-generated.ts"],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(", ")}. There are: ${Object.keys(checks).join(", ")}`);
  process.exit(2);
}

const failed: string[] = [];
for (const [name, [command, ...args]] of Object.entries(checks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const started = performance.now();
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = result.status === 0;
  console.log(
    `${passed ? "ok    " : "FAILED"} ${name.padEnd(10)} ${seconds} s  ${passed ? summaryOf(result) : ""}`.trimEnd(),
  );
  if (!passed) {
    failed.push(name);
    console.log([result.error?.message, result.stdout, result.stderr].filter(Boolean).join("\n"));
  }
}

if (failed.length > 0) {
  console.error(`Failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}

/** A check that passed says in its first line, if at all, how much it has seen. */
function summaryOf({ stdout }: SpawnSyncReturns<string>): string {
  return stdout.trim().split("\n")[0] ?? "";
}
