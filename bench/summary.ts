/** The rounds summed up: medians, and how far the rounds lie apart. */
import type { Round } from "./benchmark.ts";
import type { Measurement } from "./contender.ts";
import { ALL_SERIES, type Series } from "./series.ts";
import type { EchoLibrary } from "./servers/echo.ts";
import { median } from "./statistics.ts";

/** The rounds' median, and the lowest and highest of them: the noise of the machine. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface SeriesSummary {
  readonly series: Series;
  readonly callsPerSecond: Spread;
  /** In milliseconds. */
  readonly p50: Spread;
  /** In milliseconds. */
  readonly p99: Spread;
  readonly loadCpu: Spread;
  /** The throughput as a share of each bare server's on the same wire, round by round. Null: that library has no such server. */
  readonly ratios: Readonly<Record<EchoLibrary, Spread | null>>;
}

export interface Summary {
  /** In milliseconds. */
  readonly commitTime: Spread;
  readonly series: readonly SeriesSummary[];
}

export function summarize(rounds: readonly Round[]): Summary {
  const seriesValues = (series: Series, value: (measurement: Measurement) => number): number[] => {
    const index = ALL_SERIES.indexOf(series);
    return rounds.flatMap(({ measurements }) => measurements.slice(index, index + 1).map(value));
  };
  const rates = (series: Series): number[] => seriesValues(series, ({ callsPerSecond }) => callsPerSecond);
  const ratio = (series: Series, library: EchoLibrary): Spread | null => {
    const baseline = ALL_SERIES.find(({ wire, target }) => wire === series.wire && target.server === library);
    if (baseline === undefined) return null;
    const baselineRates = rates(baseline);
    return spread(rates(series).map((rate, round) => rate / (baselineRates[round] ?? Number.NaN)));
  };
  return {
    commitTime: spread(rounds.map(({ commitTime }) => commitTime)),
    series: ALL_SERIES.map((series) => ({
      series,
      callsPerSecond: spread(rates(series)),
      p50: spread(seriesValues(series, ({ p50 }) => p50)),
      p99: spread(seriesValues(series, ({ p99 }) => p99)),
      loadCpu: spread(seriesValues(series, ({ loadCpu }) => loadCpu)),
      ratios: { "connect-node": ratio(series, "connect-node"), "grpc-js": ratio(series, "grpc-js") },
    })),
  };
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
