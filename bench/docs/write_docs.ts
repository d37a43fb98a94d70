/** Puts the figures of runs into docs/performance.md, and draws its plot. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { barPlot } from "../plot/bar_plot.ts";
import { latestSections, type RunResult, type SectionOfRun } from "../result_file.ts";
import { markdownTable } from "../table.ts";
import { verdictTable } from "../verdict.ts";
import { fillMarkers } from "./markers.ts";

const PLOT = "performance.svg";
const DOCS = join(import.meta.dirname, "..", "..", "docs");

/** Returns the files that it wrote. Throws if there is nothing to show. */
export function writeDocs(runs: readonly RunResult[], folder = DOCS): string[] {
  const latest = latestSections(runs);
  if (latest.length === 0)
    throw new Error("there are no results: run `npm run bench` first, or name a file of results");
  const page = join(folder, "performance.md");
  const plot = join(folder, PLOT);
  const texts = new Map<string, string>(
    latest.map(({ run, section }) => [section.name, sectionText({ run, section })]),
  );
  texts.set("targets", targetsText(latest));
  const charts = latest.flatMap(({ section }) => section.charts);
  if (charts.length > 0) texts.set("plot", `![${charts.map(({ title }) => title).join("; ")}](${PLOT})`);
  writeFileSync(page, fillMarkers(readFileSync(page, "utf8"), texts));
  if (charts.length === 0) return [page];
  writeFileSync(plot, barPlot(charts));
  return [page, plot];
}

function targetsText(latest: readonly SectionOfRun[]): string {
  return markdownTable({
    ...verdictTable(latest.flatMap(({ section }) => section.verdicts)),
    caption: "Targets and figures",
  });
}

function sectionText({ run, section }: SectionOfRun): string {
  const { machine, rounds, seconds, startedAt } = run;
  const { tables, notes } = section;
  const taken = `${startedAt.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), ${machine.os}, Node ${machine.node}; ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${seconds} s a timed measurement.`;
  return [taken, ...tables.map(markdownTable), ...notes].join("\n\n");
}
