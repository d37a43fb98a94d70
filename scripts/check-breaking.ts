// Fails when the contract breaks clients that were built against what is on `main`.
//
// Compared with: on a branch, the commit where it left main; on main itself, the commit before the last one.
// (A clone of main has no other past to be compared with: there, HEAD and main are the same.)
//
// A change that must break clients says so, and why, in a commit message since then, as a footer line:
//   BREAKING CHANGE: <why>
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

const base = findBase();
if (base === undefined) {
  console.log("nothing to compare with: main has no earlier commit");
} else if (!hasContract(base)) {
  console.log(`nothing to compare with: ${base.slice(0, 9)} has no contract yet`);
} else {
  compareWith(base);
}

function findBase(): string | undefined {
  const head = resolveCommit("HEAD");
  const main = resolveCommit("origin/main") ?? resolveCommit("main");
  if (head === undefined || main === undefined) return undefined;
  const fork = git("merge-base", head, main);
  return fork === head ? resolveCommit("HEAD~1") : fork;
}

function hasContract(commit: string): boolean {
  return (
    git("cat-file", "-e", `${commit}:buf.yaml`) !== undefined && git("cat-file", "-e", `${commit}:proto`) !== undefined
  );
}

function compareWith(commit: string): void {
  const scratch = mkdtempSync(join(tmpdir(), "belay-breaking-"));
  try {
    const archive = execFileSync("git", ["archive", commit, "buf.yaml", "proto"], { cwd: root });
    execFileSync("tar", ["-x", "-C", scratch], { input: archive });
    // Collected, not committed; today's stand in for that commit's.
    cpSync(join(root, "third_party"), join(scratch, "third_party"), { recursive: true });
    const { status, stdout, stderr } = spawnSync("buf", ["breaking", "--against", scratch], {
      cwd: root,
      encoding: "utf8",
    });
    report(commit, status === 0, stdout + stderr);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function report(commit: string, compatible: boolean, findings: string): void {
  const since = commit.slice(0, 9);
  const reason = git("log", "--format=%B", `${commit}..HEAD`)?.match(/^BREAKING[ -]CHANGE: *(.+)$/m)?.[1];
  if (compatible) {
    console.log(`compatible with ${since}`);
  } else if (reason !== undefined) {
    console.log(`breaks clients built against ${since}, on purpose: ${reason}`);
  } else {
    console.log(`Breaks clients built against ${since}:\n${findings}`);
    process.exitCode = 1;
  }
}

function resolveCommit(name: string): string | undefined {
  return git("rev-parse", "--verify", "--quiet", `${name}^{commit}`);
}

/** What git answers, or nothing when it has no answer. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
