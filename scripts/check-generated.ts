// Fails when gen/ is not what proto/ generates: someone edited one and not the other.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "belay-generated-"));

try {
  const { status, stderr } = spawnSync("buf", ["generate", "--output", scratch], { cwd: root, encoding: "utf8" });
  if (status === 0) compare();
  else fail(`buf generate: ${stderr}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function compare(): void {
  const fresh = readTree(join(scratch, "gen"));
  const committed = readTree(join(root, "gen"));
  const paths = [...new Set([...fresh.keys(), ...committed.keys()])].sort();
  const stale = paths.filter((path) => fresh.get(path) !== committed.get(path));
  if (stale.length === 0) {
    console.log(`${paths.length} files are what proto/ generates`);
  } else {
    for (const path of stale) console.log(`gen/${path} is ${describe(fresh.has(path), committed.has(path))}`);
    fail("Run `npm run generate`.");
  }
}

function fail(message: string): void {
  console.log(message);
  process.exitCode = 1;
}

function readTree(folder: string): Map<string, string> {
  const paths = globSync("**/*.ts", { cwd: folder });
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

function describe(isGenerated: boolean, isCommitted: boolean): string {
  if (!isCommitted) return "missing";
  return isGenerated ? "out of date" : "left over";
}
