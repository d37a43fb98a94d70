/** The figures of a run, for people: a table a wire. */
import type { Wire } from "./load/order.ts";
import type { Machine } from "./machine.ts";
import type { Options } from "./options.ts";
import { callsInFlight, MODERATE, PEAK } from "./series.ts";
import type { SeriesSummary, Spread, Summary } from "./summary.ts";

const TITLES: Readonly<Record<Wire, string>> = {
  grpc: "gRPC over HTTP/2",
  json: "Connect unary JSON over HTTP/1.1",
};

const COLUMNS = ["", "calls/s", "(min–max)", "× connect-node", "× grpc-js", "p50 ms", "p99 ms", "load CPU"];

/** Lines of text. */
export function report(summary: Summary, machine: Machine, { rounds, seconds }: Options): string {
  const wires: readonly Wire[] = ["grpc", "json"];
  return [
    `${machine.cores} × ${machine.cpu}, ${machine.os}, Node ${machine.node}, load average before the run ${machine.loadBefore.toFixed(2)}`,
    `${rounds} ${rounds === 1 ? "round" : "rounds"} after a warm-up, ${seconds} s a measurement; medians of the rounds`,
    `one durable commit of one row on this disk: ${millis(summary.commitTime)} ms (${range(summary.commitTime, (value) => value.toFixed(2))})`,
    ...wires.flatMap((wire) => [
      "",
      `${TITLES[wire]}: calls/s with ${callsInFlight(PEAK[wire])} in flight, latency with ${callsInFlight(MODERATE[wire])}`,
      ...table([COLUMNS, ...summary.series.filter(({ series }) => series.wire === wire).map(row)]),
    ]),
  ].join("\n");
}

function row({ series, callsPerSecond, ratios, p50, p99, loadCpu }: SeriesSummary): string[] {
  return [
    series.name,
    whole(callsPerSecond.median),
    `(${range(callsPerSecond, whole)})`,
    times(ratios["connect-node"]),
    times(ratios["grpc-js"]),
    millis(p50),
    millis(p99),
    `${Math.round(loadCpu.median * 100)} %`,
  ];
}

/** The first column is text, the others are figures. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function range({ min, max }: Spread, format: (value: number) => string): string {
  return `${format(min)}–${format(max)}`;
}

function times(ratio: Spread | null): string {
  return ratio === null ? "–" : ratio.median.toFixed(2);
}

function millis({ median }: Spread): string {
  return median.toFixed(2);
}
