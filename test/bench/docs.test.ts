import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fillMarkers } from "../../bench/docs/markers.ts";
import { writeDocs } from "../../bench/docs/write_docs.ts";
import { barPlot } from "../../bench/plot/bar_plot.ts";
import type { NamedResult, RunResult } from "../../bench/result_file.ts";
import { SECTION_NAMES } from "../../bench/section.ts";

const BARS = [
  { name: "Belay", value: 50, label: "50 (0.5 × <bare>)", isBaseline: false },
  { name: "bare & echo", value: 100, label: "100", isBaseline: true },
];

function sectionOf(name: NamedResult["name"], figure: string, charts: NamedResult["charts"] = []): NamedResult {
  const tables = [{ caption: `Table of ${name}`, columns: ["", "figure"], rows: [["Belay", figure]] }];
  return { name, title: name, tables, verdicts: [], notes: [], charts, measured: null };
}

function runOf(startedAt: string, sections: readonly NamedResult[]): RunResult {
  const machine = { cpu: "A processor", cores: 2, os: "Linux", node: "v26", loadBefore: 0 };
  return { machine, startedAt, rounds: 5, seconds: 2, isQuick: false, sections };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-docs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PAGE = ["targets", "plot", ...SECTION_NAMES]
  .map((name) => `<!-- bench:${name} -->\nold\n<!-- /bench:${name} -->`)
  .join("\n");

test("what stands between the markers of a name is replaced, and nothing else", () => {
  const page =
    "before\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nbetween\n<!-- bench:b -->\nkept\n<!-- /bench:b -->\nafter";
  const filled = fillMarkers(page, new Map([["a", "new $& text"]]));
  expect(filled).toBe(page.replace("old", () => "new $& text"));
  expect(fillMarkers(filled, new Map([["a", "old"]]))).toBe(page);
});

test("a text without a place is refused", () => {
  expect(() => fillMarkers("no markers", new Map([["a", "text"]]))).toThrow('no place for "a"');
  expect(() => fillMarkers("<!-- bench:a --> but no end", new Map([["a", "text"]]))).toThrow('no place for "a"');
});

test("each section is shown as the last run had it that measured it, and the plot is drawn", () => {
  writeFileSync(join(folder, "performance.md"), PAGE);
  const older = runOf("2026-01-01T00:00:00.000Z", [
    sectionOf("throughput", "1,111", [{ title: "Older", bars: BARS }]),
    sectionOf("reads", "2,222"),
  ]);
  const newer = runOf("2026-01-02T00:00:00.000Z", [sectionOf("throughput", "3,333", [{ title: "Newer", bars: BARS }])]);
  const written = writeDocs([older, newer], folder);
  const page = readFileSync(join(folder, "performance.md"), "utf8");
  expect(written).toEqual([join(folder, "performance.md"), join(folder, "performance.svg")]);
  expect(page).toContain("| Belay | 3,333 |");
  expect(page).not.toContain("1,111");
  expect(page).toContain("| Belay | 2,222 |");
  expect(page).toContain("![Newer](performance.svg)");
  expect(page).toContain("<!-- bench:storm -->\nold");
  expect(readFileSync(join(folder, "performance.svg"), "utf8")).toContain("Newer");
});

test("without results nothing is written", () => {
  expect(() => writeDocs([], folder)).toThrow("there are no results");
});

test("the page of the documentation has a place for every section", () => {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "performance.md"), "utf8");
  const texts = new Map(["targets", "plot", ...SECTION_NAMES].map((name) => [name, "text"]));
  expect(fillMarkers(page, texts)).toContain("text");
});

test("bars are as long as their values, the longest taking all the room, and texts are escaped", () => {
  const svg = barPlot([{ title: "Cancels", bars: BARS }]);
  const [own = 0, baseline = 0] = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(own).toBeCloseTo(baseline / 2, 0);
  expect(svg).toContain("0.5 × &lt;bare&gt;");
  expect(svg).toContain("bare &amp; echo");
  expect(svg.startsWith("<svg ")).toBe(true);
});

test("a value that was not measured has a bar that can be seen, and breaks nothing", () => {
  const svg = barPlot([{ title: "Nothing", bars: [{ name: "a", value: Number.NaN, label: "–", isBaseline: false }] }]);
  expect(svg).not.toContain("NaN");
  expect(svg).toContain('width="2.0"');
});

test("the plot has a colour for bars on light pages and one for dark ones", () => {
  const svg = barPlot([{ title: "Cancels", bars: BARS }]);
  expect(svg.match(/\.own \{ fill: #[0-9a-f]{6}; \}/g)).toHaveLength(2);
  expect(svg).toContain("prefers-color-scheme: dark");
});
