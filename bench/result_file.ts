/** The figures of a run, kept as JSON. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { SECTION_NAMES, type SectionName, type SectionResult } from "./section.ts";

export interface NamedResult extends SectionResult {
  readonly name: SectionName;
  readonly title: string;
}

export interface RunResult {
  readonly machine: Machine;
  readonly startedAt: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
  readonly sections: readonly NamedResult[];
}

/** In the checkout, because a folder for temporary files may be in memory, where durable costs nothing. */
export const RESULTS = join(import.meta.dirname, "results");

const NAME = /^bench-.*\.json$/;

/** Writes it, and returns where. */
export function writeResult(result: RunResult): string {
  mkdirSync(RESULTS, { recursive: true });
  const file = join(RESULTS, `bench-${result.startedAt.replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

export function readResult(file: string): RunResult {
  const result: RunResult = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(result.sections)) throw new Error(`${file} holds no result of \`npm run bench\``);
  return result;
}

/** A section, and the run that it was part of. */
export interface SectionOfRun {
  readonly run: RunResult;
  readonly section: NamedResult;
}

/** The last result of each section among these runs, the oldest run first. */
export function latestSections(runs: readonly RunResult[]): SectionOfRun[] {
  return SECTION_NAMES.flatMap((name) => {
    const all = runs.flatMap((run) => run.sections.map((section) => ({ run, section })));
    const latest = all.findLast(({ section }) => section.name === name);
    return latest === undefined ? [] : [latest];
  });
}

/** All runs that were kept, the oldest first, without those that were only a trial. */
export function keptRuns(folder = RESULTS): RunResult[] {
  const names = readdirSync(folder).filter((name) => NAME.test(name));
  return names
    .sort()
    .map((name) => readResult(join(folder, name)))
    .filter(({ isQuick }) => !isQuick);
}
