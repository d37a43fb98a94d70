/** Runs sections one after another, each printed as soon as it is done. */
import { describeMachine } from "./machine.ts";
import { headline, sectionReport } from "./report.ts";
import type { NamedResult, RunResult } from "./result_file.ts";
import type { SectionName } from "./section.ts";
import { SECTIONS } from "./sections/all.ts";
import { textTable } from "./table.ts";
import { makeTemporaryFolder } from "./temporary_folder.ts";
import { verdictTable } from "./verdict.ts";

interface Plan {
  readonly sections: readonly SectionName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
}

/** What was measured, and the names of the sections that failed: the others are measured all the same. */
export interface SectionsRun {
  readonly result: RunResult;
  readonly failed: readonly SectionName[];
}

export async function runSections({ sections, rounds, seconds, isQuick }: Plan): Promise<SectionsRun> {
  const run = { machine: describeMachine(), startedAt: new Date().toISOString(), rounds, seconds, isQuick };
  console.log(headline(run));
  const results: NamedResult[] = [];
  const failed: SectionName[] = [];
  for (const name of sections) {
    const { title, run: measure } = SECTIONS[name];
    const onProgress = (line: string): void => console.error(`${name}: ${line}`);
    const folder = makeTemporaryFolder();
    try {
      const context = { rounds, seconds, isQuick, folder: folder.path, onProgress };
      const result = { name, title, ...(await measure(context)) };
      console.log(`\n${sectionReport(result)}`);
      results.push(result);
    } catch (error) {
      console.error(`${name} failed:`, error);
      failed.push(name);
    }
    folder.remove();
  }
  if (results.length > 1) console.log(`\n=== All targets\n\n${textTable(verdictTable(results.flatMap(verdictsOf)))}`);
  return { result: { ...run, sections: results }, failed };
}

function verdictsOf({ verdicts }: NamedResult): NamedResult["verdicts"] {
  return verdicts;
}
