/** How long it takes from the start of the process to the first answered cancel, on an empty store. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { decimal, range } from "../figures.ts";
import { openHttp2 } from "../load/http2/connection.ts";
import type { Lane } from "../load/lane.ts";
import type { CallType } from "../load/order.ts";
import { repeatedRequest } from "../load/request_bodies.ts";
import type { Section, SectionContext, SectionResult } from "../section.ts";
import { median, type Spread, spread } from "../statistics.ts";

export const coldStart: Section = { title: "Cold start", run };

const ROOT = join(import.meta.dirname, "..", "..");

/** What is started: the sources, whose types Node strips as it loads them, and the built package if there is one. */
const PROGRAMS = [
  { name: "built package (npm run build)", main: join(ROOT, "dist", "src", "cli", "main.js") },
  { name: "sources", main: join(ROOT, "src", "cli", "main.ts") },
] as const;

/** In seconds. */
const BOUND = 0.6;

/** In milliseconds. */
const ASK_EVERY = 2;
const PATIENCE = 30_000;

interface Start {
  /** In milliseconds from the start of the process on. */
  readonly listens: number;
  readonly cancelled: number;
}

interface Program {
  readonly name: string;
  readonly starts: Start[];
}

async function run({ rounds, folder, onProgress }: SectionContext): Promise<SectionResult> {
  const programs = PROGRAMS.filter(({ main }) => existsSync(main)).map((program) => ({
    ...program,
    starts: [] as Start[],
  }));
  const bareStarts: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    onProgress(`round ${round} of ${rounds}`);
    bareStarts.push(await bareStart());
    for (const { main, starts } of programs) starts.push(await start(main, mkdtempSync(join(folder, "cold-"))));
  }
  return resultOf(programs, bareStarts, programs.length < PROGRAMS.length);
}

/** How long Node itself takes, with nothing to do. */
async function bareStart(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
  return performance.now() - startedAt;
}

/** Starts the server, registers an execution as soon as it can be reached, and cancels that. */
async function start(main: string, folder: string): Promise<Start> {
  const port = await freePort();
  const startedAt = performance.now();
  const args = [main, "serve", "--port", String(port), "--db", join(folder, "belay.db")];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const kill = (): boolean => child.kill("SIGKILL");
  process.prependOnceListener("exit", kill);
  const ended = once(child, "exit");
  try {
    await untilReachable(port, child);
    const listens = performance.now() - startedAt;
    const connection = await openHttp2(`http://127.0.0.1:${port}`);
    for (const call of ["register_pending", "cancel"] as const) await callOnce(connection, call);
    const cancelled = performance.now() - startedAt;
    await connection.close();
    return { listens, cancelled };
  } finally {
    kill();
    await ended;
    process.off("exit", kill);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`not a TCP address: ${address}`);
  server.close();
  await once(server, "close");
  return address.port;
}

async function untilReachable(port: number, child: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE;
  while (!(await isReachable(port))) {
    if (child.exitCode !== null) throw new Error(`belay serve ended (${child.exitCode}) before it could be reached`);
    if (performance.now() > giveUpAt) throw new Error(`belay serve could not be reached in ${PATIENCE / 1000} s`);
    await passed(ASK_EVERY);
  }
}

function isReachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}

function callOnce(lane: Lane, call: CallType): Promise<void> {
  const { path, body } = repeatedRequest(call, "grpc", "uuid", 1);
  return new Promise((resolve, reject) => {
    lane.call(path, body(1), (error) => (error === null ? resolve() : reject(error)));
  });
}

function resultOf(programs: readonly Program[], bareStarts: readonly number[], isUnbuilt: boolean): SectionResult {
  const node = median(bareStarts);
  const cancelledOf = ({ starts }: Program): Spread => spread(starts.map(({ cancelled }) => cancelled));
  return {
    tables: [
      {
        caption: `From the start of the process, in ms; Node alone starts and ends in ${decimal(node)} ms`,
        columns: ["", "listens", "first cancel answered", "lowest–highest", "× Node alone"],
        rows: programs.map((program) => {
          const cancelled = cancelledOf(program);
          return [
            program.name,
            decimal(median(program.starts.map(({ listens }) => listens))),
            decimal(cancelled.median),
            range(cancelled, decimal),
            decimal(cancelled.median / node),
          ];
        }),
      },
    ],
    verdicts: programs.map((program) => ({
      what: `from a cold start to the first answered cancel, ${program.name}`,
      figure: `${decimal(cancelledOf(program).median)} ms`,
      baseline: `Node alone ${decimal(node)} ms`,
      value: cancelledOf(program).median / 1000,
      unit: "s",
      should: "be at most",
      bound: BOUND,
    })),
    notes: isUnbuilt ? ["The built package is not there: `npm run build` makes it."] : [],
    charts: [],
    measured: { programs, bareStarts },
  };
}
