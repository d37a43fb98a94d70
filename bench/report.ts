/** The figures of a run, for people. */
import type { NamedResult, RunResult } from "./result_file.ts";
import { textTable } from "./table.ts";
import { verdictTable } from "./verdict.ts";

export function headline({ machine, rounds, seconds, isQuick }: Omit<RunResult, "sections">): string {
  const { cores, cpu, os, node, loadBefore } = machine;
  return [
    `${cores} × ${cpu}, ${os}, Node ${node}, load average before the run ${loadBefore.toFixed(2)}`,
    `${rounds} ${rounds === 1 ? "round" : "rounds"}, ${seconds} s a timed measurement; medians of the rounds`,
    ...(isQuick ? ["A trial: short and small, to see that everything works. Its figures mean little."] : []),
  ].join("\n");
}

export function sectionReport({ title, tables, verdicts, notes }: NamedResult): string {
  const judged = verdicts.length === 0 ? [] : [verdictTable(verdicts)];
  return [
    `=== ${title}`,
    ...[...tables, ...judged].map(textTable),
    ...(notes.length === 0 ? [] : [notes.join("\n")]),
  ].join("\n\n");
}
