/** How many durable cancels a second, beside servers that do nothing but answer. */
import { inArena } from "../arena.ts";
import {
  CANCEL_SERIES,
  type CancelSeries,
  echoName,
  type RunningSeries,
  startSeries,
  WIRE_TITLES,
  WIRES,
} from "../cancel_series.ts";
import { crossCheck } from "../cross_check/cross_check.ts";
import { decimal, percent, range, whole } from "../figures.ts";
import { callsInFlight, PEAK } from "../load/concurrency.ts";
import type { LoadResult, Wire } from "../load/order.ts";
import type { BarChart } from "../plot/bar_chart.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { ECHO_LIBRARIES, type EchoLibrary } from "../servers/echo.ts";
import { median, ratios, type Spread, spread } from "../statistics.ts";
import type { Table } from "../table.ts";
import type { Verdict } from "../verdict.ts";

export const throughput: Section = { title: "Durable cancels a second", run };

interface SeriesRounds {
  readonly series: CancelSeries;
  readonly rounds: readonly LoadResult[];
}

interface Judged {
  readonly wire: Wire;
  readonly library: EchoLibrary;
  readonly bound: number;
}

/** As shares of the bare servers' throughput. */
const TARGETS: readonly Judged[] = [
  { wire: "grpc", library: "grpc-js", bound: 1 },
  { wire: "grpc", library: "connect-node", bound: 6 },
  { wire: "json", library: "connect-node", bound: 5 },
  { wire: "json", library: "node:http", bound: 0.5 },
];

async function run(context: SectionContext): Promise<SectionResult> {
  const { rounds, seconds, folder, onProgress } = context;
  return await inArena(folder, async (arena) => {
    const running: RunningSeries[] = [];
    for (const series of CANCEL_SERIES) running.push(await startSeries(series, arena));
    onProgress("warming up");
    for (const { peak } of running) await peak.measure(seconds);
    const measured: { readonly series: CancelSeries; readonly rounds: LoadResult[] }[] = running.map(({ series }) => ({
      series,
      rounds: [],
    }));
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      // The series take turns, so that a disturbance of the machine meets all of them alike.
      for (const [index, { peak }] of running.entries()) measured[index]?.rounds.push(await peak.measure(seconds));
    }
    const checked = await crossCheck(
      measured.flatMap(({ series, rounds: results }, index) => {
        const { url = "" } = running[index] ?? {};
        const { wire, name, target } = series;
        return "echo" in target ? [{ wire, name, url, ours: median(results.map(rateOf)) }] : [];
      }),
      { seconds, folder },
    );
    return {
      tables: WIRES.map((wire) => tableOf(wire, measured)),
      verdicts: TARGETS.map((target) => verdictOf(target, measured)),
      notes: checked,
      charts: WIRES.map((wire) => chartOf(wire, measured)),
      measured,
    };
  });
}

function rateOf({ calls, seconds }: LoadResult): number {
  return calls / seconds;
}

function ratesOf(measured: readonly SeriesRounds[], isWanted: (series: CancelSeries) => boolean): number[] {
  return measured.find(({ series }) => isWanted(series))?.rounds.map(rateOf) ?? [];
}

function echoRates(measured: readonly SeriesRounds[], wire: Wire, library: EchoLibrary): number[] {
  return ratesOf(
    measured,
    (series) => series.wire === wire && "echo" in series.target && series.target.echo === library,
  );
}

function ratioTo(library: EchoLibrary, { series, rounds }: SeriesRounds, measured: readonly SeriesRounds[]): Spread {
  return spread(ratios(rounds.map(rateOf), echoRates(measured, series.wire, library)));
}

function tableOf(wire: Wire, measured: readonly SeriesRounds[]): Table {
  const libraries = ECHO_LIBRARIES[wire];
  return {
    caption: `${WIRE_TITLES[wire]}, ${callsInFlight(PEAK[wire])} calls in flight`,
    columns: [
      "",
      "calls/s",
      "lowest–highest",
      ...libraries.map((library) => `× ${library}`),
      "load CPU",
      "µs of load a call",
    ],
    rows: measured
      .filter(({ series }) => series.wire === wire)
      .map((row) => {
        const rates = spread(row.rounds.map(rateOf));
        const loadCpu = median(row.rounds.map((result) => result.loadCpu));
        return [
          row.series.name,
          whole(rates.median),
          range(rates, whole),
          ...libraries.map((library) => decimal(ratioTo(library, row, measured).median)),
          percent(loadCpu),
          decimal((loadCpu * 1e6) / rates.median),
        ];
      }),
  };
}

/** The cancels that are judged find nothing to stop: what stopping takes is not the price of a call. */
function verdictOf({ wire, library, bound }: Judged, measured: readonly SeriesRounds[]): Verdict {
  const own = ratesOf(
    measured,
    ({ wire: its, target }) => its === wire && "work" in target && target.work === "pending",
  );
  const baseline = echoRates(measured, wire, library);
  return {
    what: `durable cancels, ${WIRE_TITLES[wire]}`,
    figure: `${whole(median(own))}/s`,
    baseline: `${echoName(library)} ${whole(median(baseline))}/s`,
    value: median(ratios(own, baseline)),
    unit: "×",
    should: "be at least",
    bound,
  };
}

function chartOf(wire: Wire, measured: readonly SeriesRounds[]): BarChart {
  return {
    title: `Durable cancels a second, ${WIRE_TITLES[wire]}`,
    bars: measured
      .filter(({ series }) => series.wire === wire)
      .map((row) => {
        const value = median(row.rounds.map(rateOf));
        const isBaseline = "echo" in row.series.target;
        const compared = ECHO_LIBRARIES[wire].map(
          (library) => `${decimal(ratioTo(library, row, measured).median)} × ${library}`,
        );
        const label = isBaseline ? whole(value) : `${whole(value)}  (${compared.join(", ")})`;
        return { name: row.series.name, value, label, isBaseline };
      }),
  };
}
