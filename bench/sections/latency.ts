/** How long a single cancel takes at half of the load that the server can take, beside one durable commit. */
import { type Arena, inArena } from "../arena.ts";
import { CANCEL_SERIES, type CancelSeries, type RunningSeries, startSeries } from "../cancel_series.ts";
import { measureCommit } from "../commit_time.ts";
import { decimal, percent, whole } from "../figures.ts";
import { PEAK } from "../load/concurrency.ts";
import type { Flow, PacedResult, Wire } from "../load/order.ts";
import { FIRST_NUMBERS } from "../load/supply.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { median, ratios, type Spread, spread } from "../statistics.ts";

export const latency: Section = { title: "Latency at half of the peak load", run };

/** The p99 of a single cancel, in commits. */
const BOUND = 10;

/** How many executions gets ask for, in turn. */
const SHOWN = 1_000;

/** Chance decides how many calls there are in a span; this is far more than it ever does. */
const SPARE = 1.2;
const SPARE_CALLS = 200;

interface Measured {
  /** Calls a second, of which half are offered. */
  readonly peak: number;
  readonly p50: number;
  readonly p99: number;
  /** How late the load sent its calls: part of the latency that is not the server's. */
  readonly sentLate: number;
  readonly loadCpu: number;
  /** The share of the calls that the server refused because it had too much to do: only gets may be. */
  readonly refused: number;
}

interface Row {
  readonly name: string;
  readonly wire: Wire;
  readonly rounds: Measured[];
}

async function run(context: SectionContext): Promise<SectionResult> {
  const { rounds, seconds, folder, onProgress } = context;
  return await inArena(folder, async (arena) => {
    const offers: Offer[] = [];
    for (const series of CANCEL_SERIES) offers.push(await prepare(series, arena));
    await registerShown(arena);
    onProgress("warming up");
    for (const { running } of offers) await running.peak.measure(seconds);
    const commits: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      const before = measureCommit(folder);
      for (const offer of offers) await measureRound(offer, arena, seconds);
      commits.push(median([before, measureCommit(folder)]));
    }
    return resultOf(offers, commits);
  });
}

/** What is offered to one server, and what came of it. */
interface Offer {
  readonly running: RunningSeries;
  readonly cancels: Row;
  /** The same with a get for each cancel; null: not tried with this server. */
  readonly mixed: { readonly cancels: Row; readonly gets: Row } | null;
}

async function prepare(series: CancelSeries, arena: Arena): Promise<Offer> {
  const { name, wire } = series;
  const row = (its: string): Row => ({ name: its, wire, rounds: [] });
  return {
    running: await startSeries(series, arena),
    cancels: row(name),
    mixed: isJudged(series)
      ? { cancels: row("Belay, cancels among as many gets"), gets: row("Belay, those gets") }
      : null,
  };
}

async function measureRound({ running, cancels, mixed }: Offer, arena: Arena, seconds: number): Promise<void> {
  const { calls, seconds: took } = await running.peak.measure(seconds);
  const rate = calls / took;
  const [alone] = await offer(running, arena, { rate, seconds, isMixed: false });
  if (alone !== undefined) cancels.rounds.push(alone);
  if (mixed === null) return;
  const [amongGets, gets] = await offer(running, arena, { rate, seconds, isMixed: true });
  if (amongGets !== undefined) mixed.cancels.rounds.push(amongGets);
  if (gets !== undefined) mixed.gets.rounds.push(gets);
}

function isJudged({ wire, target }: CancelSeries): boolean {
  return wire === "grpc" && "work" in target && target.work === "pending";
}

interface Offered {
  /** The peak; half of it is offered. */
  readonly rate: number;
  readonly seconds: number;
  /** Half of the calls are gets. */
  readonly isMixed: boolean;
}

/** In the order of the flows: cancels, and then gets if they are mixed. */
async function offer(
  running: RunningSeries,
  { load }: Arena,
  { rate, seconds, isMixed }: Offered,
): Promise<Measured[]> {
  const { series, url, supply } = running;
  const { wire } = series;
  const each = rate / 2 / (isMixed ? 2 : 1);
  const count = Math.ceil(each * seconds * SPARE) + SPARE_CALLS;
  const flows: Flow[] = [{ call: "cancel", first: await supply.stock(count), count, rate: each }];
  if (isMixed) flows.push({ call: "get", first: FIRST_NUMBERS.shown, count: SHOWN, rate: each });
  const result = await load.pace({ wire, url, flows, seconds, ...PEAK[wire] });
  supply.take(result.flows[0]?.calls ?? 0);
  return measuredOf(result, rate);
}

function measuredOf({ flows, sentLate, loadCpu }: PacedResult, peak: number): Measured[] {
  return flows.map(({ calls, refused, latency: { p50, p99 } }) => ({
    peak,
    p50,
    p99,
    sentLate: sentLate.p50,
    loadCpu,
    refused: refused / calls,
  }));
}

async function registerShown({ load, belay: { url } }: Arena): Promise<void> {
  const order = { wire: "grpc", url, call: "register_pending", first: FIRST_NUMBERS.shown, count: SHOWN } as const;
  await load.run({ ...order, seconds: null, ...PEAK.grpc });
}

function resultOf(offers: readonly Offer[], commits: readonly number[]): SectionResult {
  const rows = offers.flatMap(({ cancels, mixed }) =>
    mixed === null ? [cancels] : [cancels, mixed.cancels, mixed.gets],
  );
  const judged = offers.find(({ running }) => isJudged(running.series))?.cancels;
  const commit = spread(commits);
  const inCommits = (row: Row): Spread => spread(ratios(valuesOf(row, "p99"), commits));
  return {
    tables: [
      {
        caption: `Open loop at half of each server's peak, in ms; one durable commit of one row takes ${decimal(commit.median)} ms`,
        columns: ["", "wire", "offered/s", "p50", "p99", "p99 ÷ commit", "refused", "sent late", "load CPU"],
        rows: rows.map((row) => [
          row.name,
          row.wire,
          whole(median(valuesOf(row, "peak")) / 2),
          decimal(median(valuesOf(row, "p50"))),
          decimal(median(valuesOf(row, "p99"))),
          decimal(inCommits(row).median),
          percent(median(valuesOf(row, "refused"))),
          decimal(median(valuesOf(row, "sentLate"))),
          percent(median(valuesOf(row, "loadCpu"))),
        ]),
      },
    ],
    verdicts:
      judged === undefined
        ? []
        : [
            {
              what: "p99 of a single cancel at half of the peak load, gRPC",
              figure: `${decimal(median(valuesOf(judged, "p99")))} ms`,
              baseline: `one commit ${decimal(commit.median)} ms`,
              value: inCommits(judged).median,
              unit: "×",
              should: "be at most",
              bound: BOUND,
            },
          ],
    notes: [],
    charts: [],
    measured: { commits, rows },
  };
}

function valuesOf({ rounds }: Row, what: keyof Measured): number[] {
  return rounds.map((measured) => measured[what]);
}
