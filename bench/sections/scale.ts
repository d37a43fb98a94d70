/** What a full store costs: latency beside a small one, time to start, and memory, also with very many workers attached. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { decimal, whole } from "../figures.ts";
import { NO_CROWD } from "../load/concurrency.ts";
import { type LoadProcess, startLoadProcess } from "../load/process.ts";
import { registeredSupply } from "../load/supply.ts";
import { residentSet } from "../resident_set.ts";
import { attachWorkers } from "../scale/attach_workers.ts";
import { fillFolder, type Size, type SizedServer, serveSize } from "../scale/size.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { median, ratios } from "../statistics.ts";
import type { Verdict } from "../verdict.ts";
import { withOpened } from "../with_opened.ts";

export const scale: Section = { title: "A full store", run };

interface Sizes {
  readonly small: Size;
  readonly large: Size;
}

const FULL: Sizes = {
  small: { executions: 1_000, held: 100, workers: 10 },
  large: { executions: 1_000_000, held: 100_000, workers: 20_000 },
};

const QUICK: Sizes = {
  small: { executions: 1_000, held: 100, workers: 10 },
  large: { executions: 20_000, held: 2_000, workers: 1_000 },
};

/** How often both servers are measured in turn in one round, and how many cancels each time. */
const TURNS = 2;
const CANCELS = 200;

/** Cancels of other executions before anything is measured, so that the code is compiled. */
const WARM_UP = 4_000;

/** Attached workers are sent something every 10 seconds. In milliseconds. */
const SETTLE = 15_000;
const QUICK_SETTLE = 1_000;

const BOUNDS = { ratio: 1.3, startSeconds: 2, memory: 400 } as const;

const BYTES_PER_MIB = 1024 * 1024;
const BYTES_PER_KIB = 1024;

interface Measured {
  readonly startTime: number;
  readonly fileSize: number;
  /** In MiB. */
  readonly memoryAtStart: number;
  memoryAfterCalls: number;
  readonly cancels: number[];
  readonly gets: number[];
}

interface Round {
  readonly small: Measured;
  readonly large: Measured;
  /** Of the large one, with the workers attached too. */
  readonly memoryWithWorkers: number;
}

async function run({ rounds, seconds, isQuick, folder, onProgress }: SectionContext): Promise<SectionResult> {
  const sizes = isQuick ? QUICK : FULL;
  const load = startLoadProcess();
  try {
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}: filling a store with ${whole(sizes.large.executions)} executions`);
      const roundOptions = { round, sizes, load, folder, seconds, isQuick, onProgress };
      measured.push(await withOpened((opened) => measureRound(roundOptions, opened)));
    }
    return resultOf(measured, sizes.large);
  } finally {
    load.close();
  }
}

interface RoundOptions extends Pick<SectionContext, "folder" | "seconds" | "isQuick" | "onProgress"> {
  readonly round: number;
  readonly sizes: Sizes;
  readonly load: LoadProcess;
}

async function measureRound(options: RoundOptions, opened: AsyncDisposableStack): Promise<Round> {
  const { round, sizes, load, folder, seconds, isQuick, onProgress } = options;
  const serve = async (size: Size): Promise<SizedServer> => {
    const served = await serveSize(await fillFolder(mkRoundFolder(folder, round), size), size, load);
    opened.defer(served.belay.close);
    return served;
  };
  const [small, large] = [await serve(sizes.small), await serve(sizes.large)];
  onProgress("warming up");
  for (const { belay } of [small, large]) await warmUp(load, belay.url);
  const [ofSmall, ofLarge] = [measuredOf(small), measuredOf(large)];
  for (let turn = 1; turn <= TURNS; turn += 1) {
    onProgress(`turn ${turn} of ${TURNS}`);
    await measureTurn(small, ofSmall, seconds);
    await measureTurn(large, ofLarge, seconds);
  }
  ofSmall.memoryAfterCalls = residentSet(small.belay.pid);
  const { pid, url } = large.belay;
  ofLarge.memoryAfterCalls = residentSet(pid);
  onProgress(`attaching ${whole(sizes.large.workers)} workers`);
  const workers = await attachWorkers(url, sizes.large.workers);
  opened.defer(workers.detach);
  await passed(isQuick ? QUICK_SETTLE : SETTLE);
  return { small: ofSmall, large: ofLarge, memoryWithWorkers: residentSet(pid) };
}

function mkRoundFolder(folder: string, round: number): string {
  const path = join(folder, `round-${round}`);
  mkdirSync(path, { recursive: true });
  return path;
}

function measuredOf({ belay: { startTime }, fileSize, memoryAtStart }: SizedServer): Measured {
  return { startTime, fileSize, memoryAtStart, memoryAfterCalls: Number.NaN, cancels: [], gets: [] };
}

async function warmUp(load: LoadProcess, url: string): Promise<void> {
  const first = await registeredSupply(load, url, "pending").stock(WARM_UP);
  const calls = { wire: "grpc", url, first, count: WARM_UP, seconds: null, ...NO_CROWD.grpc } as const;
  await load.run({ ...calls, call: "cancel" });
  await load.run({ ...calls, call: "get" });
}

async function measureTurn(server: SizedServer, { cancels, gets }: Measured, seconds: number): Promise<void> {
  cancels.push(await server.cancelP50(CANCELS));
  gets.push(await server.getP50(seconds));
}

function resultOf(rounds: readonly Round[], { executions, held, workers }: Size): SectionResult {
  const of = (what: (round: Round) => number): number => median(rounds.map(what));
  const p50 = (size: "small" | "large", call: "cancels" | "gets"): number => of((round) => median(round[size][call]));
  const growth = (call: "cancels" | "gets"): number =>
    median(
      ratios(
        rounds.flatMap(({ large }) => large[call]),
        rounds.flatMap(({ small }) => small[call]),
      ),
    );
  const row = (size: "small" | "large", name: string): string[] => [
    name,
    decimal(p50(size, "cancels")),
    decimal(p50(size, "gets")),
    decimal(of((round) => round[size].startTime)),
    decimal(of((round) => round[size].memoryAtStart)),
    decimal(of((round) => round[size].fileSize / BYTES_PER_MIB)),
  ];
  const memory = of(({ memoryWithWorkers }) => memoryWithWorkers);
  const memoryBefore = of(({ large }) => large.memoryAfterCalls);
  const memoryOfSmall = of(({ small }) => small.memoryAtStart);
  const startTime = of(({ large }) => large.startTime);
  const growthVerdict = (call: "cancels" | "gets"): Verdict => ({
    what: `p50 of ${call === "cancels" ? "a cancel" : "a get"} with ${whole(executions)} executions`,
    figure: `${decimal(p50("large", call))} ms`,
    baseline: `with 1,000: ${decimal(p50("small", call))} ms`,
    value: growth(call),
    unit: "×",
    should: "be at most",
    bound: BOUNDS.ratio,
  });
  const perExecution = (mib: (size: Measured) => number): number =>
    of(({ large, small }) => ((mib(large) - mib(small)) * BYTES_PER_MIB) / executions);
  return {
    tables: [
      {
        caption: `One call at a time, in ms; a tenth of the executions is held by workers, each with a pending timer`,
        columns: [
          "live executions",
          "p50 of a cancel",
          "p50 of a get",
          "start to serving",
          "MiB at the start",
          "MiB on the disk",
        ],
        rows: [row("small", "1,000"), row("large", whole(executions))],
      },
      {
        caption: `Memory with ${whole(executions)} executions, ${whole(held)} of them with a pending timer`,
        columns: ["", "MiB", "each"],
        rows: [
          ["at the start", decimal(of(({ large }) => large.memoryAtStart)), ""],
          ["after the calls above", decimal(memoryBefore), ""],
          [
            `with ${whole(workers)} attached workers`,
            decimal(memory),
            `${decimal(((memory - memoryBefore) * BYTES_PER_KIB) / workers)} KiB a worker`,
          ],
          [
            "on the disk",
            decimal(of(({ large }) => large.fileSize / BYTES_PER_MIB)),
            `${whole(perExecution(({ fileSize }) => fileSize / BYTES_PER_MIB))} bytes an execution`,
          ],
          [
            "after the calls, beyond what the small store takes",
            decimal(of(({ large, small }) => large.memoryAfterCalls - small.memoryAfterCalls)),
            `${whole(perExecution(({ memoryAfterCalls }) => memoryAfterCalls))} bytes an execution`,
          ],
        ],
      },
    ],
    verdicts: [
      growthVerdict("cancels"),
      growthVerdict("gets"),
      {
        what: `start to serving with ${whole(executions)} executions`,
        figure: `${decimal(startTime)} ms`,
        baseline: `with 1,000: ${decimal(of(({ small }) => small.startTime))} ms`,
        value: startTime / 1000,
        unit: "s",
        should: "be at most",
        bound: BOUNDS.startSeconds,
      },
      {
        what: `resident memory with ${whole(executions)} executions and ${whole(workers)} attached workers`,
        figure: `${decimal(memory)} MiB`,
        baseline: `with 1,000 executions, at the start: ${decimal(memoryOfSmall)} MiB`,
        value: (memory * BYTES_PER_MIB) / 1e6,
        unit: "MB",
        should: "be at most",
        bound: BOUNDS.memory,
      },
    ],
    notes: [],
    charts: [],
    measured: rounds,
  };
}
