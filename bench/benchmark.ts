/** Starts the servers and the load, measures in rounds, and stops them all. */
import { measureCommit } from "./commit_time.ts";
import { type Contender, createContender, type Measurement } from "./contender.ts";
import { attachWorker } from "./load/attached_worker.ts";
import type { Wire } from "./load/order.ts";
import { startLoadProcess } from "./load/process.ts";
import { ALL_SERIES, type Series } from "./series.ts";
import { startBelay } from "./servers/belay.ts";
import { type EchoLibrary, startEcho } from "./servers/echo.ts";
import { sampleAnswer } from "./servers/sample_answer.ts";
import { echoSupply, FIRST_NUMBERS, registeredSupply } from "./supply.ts";

export interface BenchmarkOptions {
  readonly rounds: number;
  /** How long each measurement takes. Each series is measured twice a round. */
  readonly seconds: number;
  /** Where the databases are, on the disk to measure. */
  readonly folder: string;
  /** Told what is under way. */
  readonly onProgress: (line: string) => void;
}

export interface Round {
  /** One durable commit of one row, in milliseconds. */
  readonly commitTime: number;
  /** In the order of ALL_SERIES. */
  readonly measurements: readonly Measurement[];
}

/** The series take turns, round by round, so that a disturbance of the machine meets all of them alike. */
export async function runBenchmark(options: BenchmarkOptions): Promise<Round[]> {
  const { rounds, seconds, folder, onProgress } = options;
  const closing: (() => Promise<void> | void)[] = [];
  try {
    const contenders = await startContenders(folder, (close) => closing.unshift(close));
    onProgress("warming up");
    for (const contender of contenders) await contender.warmUp(seconds);
    const done: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      const measurements: Measurement[] = [];
      for (const contender of contenders) measurements.push(await contender.measure(seconds));
      done.push({ commitTime: measureCommit(folder), measurements });
    }
    return done;
  } finally {
    for (const close of closing) await close();
  }
}

/** One process each. `onStarted` is told how to stop what was started; the last is to be stopped first. */
async function startContenders(
  folder: string,
  onStarted: (close: () => Promise<void> | void) => void,
): Promise<Contender[]> {
  const load = startLoadProcess();
  onStarted(load.close);
  const belay = await startBelay(folder);
  onStarted(belay.close);
  const worker = await attachWorker(belay.url);
  onStarted(worker.detach);

  const sample = await sampleAnswer(belay.url, FIRST_NUMBERS.sample);
  const startEchoServer = async (library: EchoLibrary, wire: Wire): Promise<string> => {
    const server = await startEcho(library, wire, sample);
    onStarted(server.close);
    return server.url;
  };
  const supplies = {
    pending: registeredSupply(load, belay.url, "pending"),
    running: registeredSupply(load, belay.url, "running"),
    echo: echoSupply(),
  };
  const contenderOf = async (series: Series): Promise<Contender> => {
    const { wire, target } = series;
    return target.server === "belay"
      ? createContender({ series, load, url: belay.url, supply: supplies[target.work] })
      : createContender({ series, load, url: await startEchoServer(target.server, wire), supply: supplies.echo });
  };
  const contenders: Contender[] = [];
  for (const series of ALL_SERIES) contenders.push(await contenderOf(series));
  return contenders;
}
