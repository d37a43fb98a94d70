/** How long it takes from the answer of a cancel until the AbortSignal of the work fires, with many workers attached. */
import { once } from "node:events";
import { setTimeout as passed } from "node:timers/promises";
import { inArena } from "../arena.ts";
import { measureCommit } from "../commit_time.ts";
import { decimal, whole } from "../figures.ts";
import { openHttp2 } from "../load/http2/connection.ts";
import type { Lane } from "../load/lane.ts";
import { latencyOf } from "../load/latency.ts";
import { monotonicMicros } from "../load/monotonic.ts";
import type { Latency } from "../load/order.ts";
import { repeatedRequest } from "../load/request_bodies.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import type { RunOrder } from "../signals/order.ts";
import { startWorkerProcess, type WorkerProcess } from "../signals/worker_process.ts";
import { median } from "../statistics.ts";
import type { Verdict } from "../verdict.ts";
import { withOpened } from "../with_opened.ts";

export const signals: Section = { title: "From the answer of a cancel to the AbortSignal", run };

const FULL = { workers: 1_000, cancels: 1_000 };
const QUICK = { workers: 200, cancels: 200 };

/** Cancels a second: each meets a server that is not busy with the one before. */
const RATE = 200;

/** In milliseconds: longer than any stop takes that will still come. */
const PATIENCE = 60_000;

const FIRST_NUMBER = 6e11;

/** In milliseconds. */
const BOUNDS = { p50: 1, p99: 5 } as const;

interface Round {
  readonly commit: number;
  /** From the request of the cancel until its answer. */
  readonly answer: Latency;
  /** From the request until the signal. */
  readonly signal: Latency;
  /** From the answer until the signal. Below zero where the signal came first. */
  readonly beyond: Latency;
}

interface Cancelled {
  readonly number: number;
  /** In microseconds of the machine's monotonic clock. */
  readonly askedAt: number;
  readonly answeredAt: number;
}

async function run({ rounds, isQuick, folder, onProgress }: SectionContext): Promise<SectionResult> {
  const { workers, cancels } = isQuick ? QUICK : FULL;
  const measured = await inArena(folder, ({ belay: { url } }) =>
    withOpened(async (opened) => {
      const process = startWorkerProcess();
      opened.defer(process.close);
      const connection = await openHttp2(url);
      opened.defer(connection.close);
      onProgress(`attaching ${workers} workers`);
      await process.attach({ url, workers });
      onProgress("warming up");
      await stopAll(process, connection, { first: FIRST_NUMBER, count: cancels });
      const done: Round[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        onProgress(`round ${round} of ${rounds}`);
        const commit = measureCommit(folder);
        const times = await stopAll(process, connection, { first: FIRST_NUMBER + round * cancels, count: cancels });
        done.push({ commit, ...times });
      }
      return done;
    }),
  );
  return resultOf(measured, workers);
}

/** Runs these executions, and cancels one after another. */
async function stopAll(process: WorkerProcess, lane: Lane, order: RunOrder): Promise<Omit<Round, "commit">> {
  const { fired } = await process.run(order);
  const cancels = await cancelAll(lane, order);
  const firedAt = new Map(await inTime(fired));
  const times = cancels.map(({ number, askedAt, answeredAt }) => {
    const at = firedAt.get(number);
    if (at === undefined) throw new Error(`the signal of execution ${number} did not fire`);
    return { answer: (answeredAt - askedAt) / 1000, signal: (at - askedAt) / 1000, beyond: (at - answeredAt) / 1000 };
  });
  return {
    answer: latencyOf(times.map(({ answer }) => answer)),
    signal: latencyOf(times.map(({ signal }) => signal)),
    beyond: latencyOf(times.map(({ beyond }) => beyond)),
  };
}

async function cancelAll(lane: Lane, { first, count }: RunOrder): Promise<Cancelled[]> {
  const { path, body } = repeatedRequest("cancel", "grpc", "uuid", first);
  const answered: Promise<Cancelled>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < count; index += 1) {
    const wait = startedAt + (index * 1000) / RATE - performance.now();
    if (wait > 0) await passed(wait);
    const number = first + index;
    const { promise, resolve, reject } = Promise.withResolvers<Cancelled>();
    const askedAt = monotonicMicros();
    lane.call(path, body(number), (error) => {
      if (error === null) resolve({ number, askedAt, answeredAt: monotonicMicros() });
      else reject(error);
    });
    answered.push(promise);
  }
  return await Promise.all(answered);
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(PATIENCE);
  const late = once(timeout, "abort").then(() => {
    throw new Error(`not all signals fired within ${PATIENCE / 1000} s`);
  });
  return await Promise.race([promise, late]);
}

function resultOf(rounds: readonly Round[], workers: number): SectionResult {
  const commit = median(rounds.map((round) => round.commit));
  const of = (what: "answer" | "signal" | "beyond", part: keyof Latency): number =>
    median(rounds.map((round) => round[what][part]));
  const row = (name: string, what: "answer" | "signal" | "beyond"): string[] => [
    name,
    decimal(of(what, "p50")),
    decimal(of(what, "p99")),
    decimal(of(what, "max")),
  ];
  const verdict = (part: "p50" | "p99"): Verdict => ({
    what: `${part} from the answer of a cancel to the AbortSignal`,
    figure: `${decimal(of("beyond", part))} ms`,
    baseline: `one commit ${decimal(commit)} ms`,
    value: of("beyond", part),
    unit: "ms",
    should: "be at most",
    bound: BOUNDS[part],
  });
  return {
    tables: [
      {
        caption: `${whole(workers)} attached workers, ${RATE} cancels a second, in ms; one durable commit of one row takes ${decimal(commit)} ms`,
        columns: ["", "p50", "p99", "longest"],
        rows: [
          row("from the request to the answer, which is durable", "answer"),
          row("from the request to the AbortSignal", "signal"),
          row("from the answer to the AbortSignal", "beyond"),
        ],
      },
    ],
    verdicts: [verdict("p50"), verdict("p99")],
    notes: [],
    charts: [],
    measured: rounds,
  };
}
