/** Draws bar charts as SVG, readable on light and on dark pages: a figure in a text must not need a program to be seen. */
import type { Bar, BarChart } from "./bar_chart.ts";

const WIDTH = 860;
const NAME_WIDTH = 190;
const LABEL_WIDTH = 330;
const BAR_HEIGHT = 20;
const BAR_STEP = 28;
const TITLE_HEIGHT = 40;
const GAP = 18;
const MARGIN = 12;

/** No bar is so short that it can't be seen. */
const SHORTEST = 2;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .own { fill: #0969da; }
  .baseline { fill: #afb8c1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .own { fill: #4493f8; }
    .baseline { fill: #57606a; }
  }
`;

/** One chart below the other, each to its own scale. */
export function barPlot(charts: readonly BarChart[]): string {
  const parts: string[] = [];
  let top = MARGIN;
  for (const chart of charts) {
    parts.push(drawChart(chart, top));
    top += TITLE_HEIGHT + chart.bars.length * BAR_STEP + GAP;
  }
  const height = top - GAP + MARGIN;
  const title = charts.map((chart) => chart.title).join("; ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeText(title)}</title>`,
    `<style>${STYLE}</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function drawChart({ title, bars }: BarChart, top: number): string {
  const longest = Math.max(...bars.map(({ value }) => (Number.isFinite(value) ? value : 0)));
  const rows = bars.map((bar, index) => drawBar(bar, top + TITLE_HEIGHT + index * BAR_STEP, longest));
  return [`<text class="title" x="${MARGIN}" y="${top + 22}">${escapeText(title)}</text>`, ...rows].join("\n");
}

function drawBar({ name, value, label, isBaseline }: Bar, top: number, longest: number): string {
  const room = WIDTH - NAME_WIDTH - LABEL_WIDTH - 2 * MARGIN;
  const length = Math.max(SHORTEST, longest > 0 && value > 0 ? (value / longest) * room : 0);
  const left = MARGIN + NAME_WIDTH;
  const baseline = top + 15;
  return [
    `<text x="${MARGIN}" y="${baseline}">${escapeText(name)}</text>`,
    `<rect class="${isBaseline ? "baseline" : "own"}" x="${left}" y="${top}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<text x="${(left + length + 8).toFixed(1)}" y="${baseline}">${escapeText(label)}</text>`,
  ].join("\n");
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
