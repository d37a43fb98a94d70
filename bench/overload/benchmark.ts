/** Finds the load that the server sustains, and offers it a multiple of that, again and again. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { attachWorker } from "../load/attached_worker.ts";
import { executionId } from "../load/execution_id.ts";
import { cancelRequest } from "../load/request_bodies.ts";
import { startBelay } from "../servers/belay.ts";
import { withOpened } from "../with_opened.ts";
import type { OverloadResult } from "./order.ts";
import { type Phase, type PhaseRunner, startPhases } from "./phases.ts";
import { attachSlowWatchers } from "./slow_watchers.ts";

export interface OverloadBenchmarkOptions {
  /** Where the databases are, on the disk to measure. */
  readonly folder: string;
  readonly rounds: number;
  /** How long each phase takes. */
  readonly seconds: number;
  /** Calls a second that the server sustains; null: to be found. */
  readonly sustainable: number | null;
  readonly watchers: number;
  /** Told what is under way. */
  readonly onProgress: (line: string) => void;
}

/** At half the sustainable load, far above it, and at half again. */
export interface Scenario {
  readonly name: string;
  readonly half: Phase;
  readonly overload: Phase;
  readonly after: Phase;
}

/** What one server was offered. Each round has the same scenarios. */
export interface Round {
  /** Calls a second. */
  readonly sustainable: number;
  readonly scenarios: readonly Scenario[];
}

const OVERLOAD = 5;

/** How long the load after the overload is watched, at most. */
const AFTER_SECONDS = 10;

const WATCHED = 1e9;

/** The watched execution is cancelled again and again, which every watcher is told. In milliseconds. */
const WATCHED_EVERY = 500;

/** Every round has a server of its own. The load that it sustains is found in the first. */
export async function runOverloadBenchmark(options: OverloadBenchmarkOptions): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let number = 1; number <= options.rounds; number += 1) {
    options.onProgress(`round ${number} of ${options.rounds}`);
    const folder = join(options.folder, `round-${number}`);
    mkdirSync(folder);
    const sustainable = rounds[0]?.sustainable ?? options.sustainable;
    rounds.push(await withOpened((opened) => measure({ ...options, folder, sustainable }, opened)));
  }
  return rounds;
}

async function measure(options: OverloadBenchmarkOptions, opened: AsyncDisposableStack): Promise<Round> {
  const { folder, seconds, watchers, onProgress } = options;
  const server = await startBelay(folder);
  opened.defer(server.close);
  const worker = await attachWorker(server.url);
  opened.defer(worker.detach);
  const phases = await startPhases(server, onProgress);
  opened.defer(phases.close);

  await phases.run([{ name: "warm-up", rate: WARM_UP_RATE, seconds: WARM_UP_SECONDS }]);
  const sustainable = options.sustainable ?? (await findSustainable(phases, onProgress));
  const scenarios = [await runScenario("no watchers", phases, sustainable, seconds)];
  if (watchers > 0) {
    await phases.register(WATCHED);
    const cancelling = cancelAgainAndAgain(server.url, WATCHED);
    opened.defer(cancelling.stop);
    const slow = await attachSlowWatchers(server.url, watchers, WATCHED);
    opened.defer(slow.leave);
    scenarios.push(await runScenario(`${watchers} watchers that never read`, phases, sustainable, seconds));
  }
  return { sustainable, scenarios };
}

async function runScenario(name: string, phases: PhaseRunner, sustainable: number, seconds: number): Promise<Scenario> {
  const [half, overload, after] = await phases.run([
    { name: `${name}, half`, rate: sustainable / 2, seconds },
    { name: `${name}, ${OVERLOAD} times`, rate: sustainable * OVERLOAD, seconds },
    { name: `${name}, half again`, rate: sustainable / 2, seconds: Math.min(seconds, AFTER_SECONDS) },
  ]);
  if (half === undefined || overload === undefined || after === undefined) throw new Error("a phase is missing");
  return { name, half, overload, after };
}

const WARM_UP_RATE = 300;
const WARM_UP_SECONDS = 5;
const FIRST_RATE = 200;
const STEP = 1.25;
const STEP_SECONDS = 4;

/** A server that lets callers wait longer at its busiest moments does not sustain the load, in milliseconds. */
const MAX_P99 = 100;

/** The highest of rising rates at which every call succeeds in time. */
async function findSustainable(phases: PhaseRunner, onProgress: (line: string) => void): Promise<number> {
  let sustained = FIRST_RATE;
  for (let rate = FIRST_RATE; ; rate *= STEP) {
    const [phase] = await phases.run([{ name: "rising", rate, seconds: STEP_SECONDS }]);
    if (phase === undefined) throw new Error("a phase is missing");
    const { cancel, list } = phase.result.classes;
    const refused = list.offered - list.succeeded;
    onProgress(`  p99 of cancels ${cancel.latency.p99} ms, of lists ${list.latency.p99} ms; ${refused} lists refused`);
    if (!isSustained(phase.result)) return sustained;
    sustained = rate;
  }
}

function isSustained({ classes }: OverloadResult): boolean {
  return Object.values(classes).every(
    ({ offered, succeeded, latency }) => succeeded === offered && (latency.p99 ?? 0) < MAX_P99,
  );
}

function cancelAgainAndAgain(url: string, number: number): { stop(): void } {
  const client = createClient(CancellationService, createGrpcTransport({ baseUrl: url }));
  const timer = setInterval(() => {
    client.cancelProcess(cancelRequest(executionId(number))).catch((error: unknown) => {
      console.error("the watched execution could not be cancelled:", error);
    });
  }, WATCHED_EVERY);
  return { stop: () => clearInterval(timer) };
}
