/** What the crash tests over both databases have in common: clients and workers that go on, while a test breaks what serves them. */
import { setTimeout as passed } from "node:timers/promises";
import { FAULT_POINTS } from "../../src/store/faults.ts";
import type { Store } from "../../src/store/store.ts";
import { type Random, randomOf } from "../fuzz/random.ts";
import { check } from "./check.ts";
import type { CrashServer } from "./crash_server.ts";
import { Crew } from "./crew.ts";
import { Driver } from "./driver.ts";

export interface CrashRun {
  readonly seed: number;
  /** How often something is broken. */
  readonly rounds: number;
  /** How long it works in between at most, in milliseconds. */
  readonly longestPeace: number;
  /** Told after each round. */
  readonly onRound?: (round: number, what: string) => void;
}

export interface CrashReport {
  readonly findings: readonly string[];
  readonly executions: number;
  readonly cancels: number;
}

/** Scenes that play at the same time. */
const WIDTH = 12;

const WORKERS = 3;

/** How long the last cancellations may take to end, in milliseconds: some leases, and some waits between attempts. */
const QUIET = 30_000;

export interface Stage {
  readonly servers: readonly CrashServer[];
  /** Breaks something, and mends it again. Resolves with what it was. */
  readonly breakSomething: (random: Random) => Promise<string>;
  /** Opens the store after the servers' death. */
  readonly openStore: () => Promise<Store>;
}

export async function runCrashes(stage: Stage, { seed, rounds, onRound }: CrashRun): Promise<CrashReport> {
  const { servers, breakSomething, openStore } = stage;
  // Scenes are chosen in an order that time decides; what is broken is the same for the same seed.
  const [chaos, scenes] = [randomOf(seed, 0), randomOf(seed, 1)];
  const urls = servers.map(({ url }) => url);
  const crew = new Crew(urls, scenes, WORKERS);
  const driver = new Driver(urls, crew, scenes);
  try {
    const played = driver.play(WIDTH);
    for (let round = 1; round <= rounds; round += 1) {
      if (chaos.chance(0.2)) await crew.killOne();
      const what = await breakSomething(chaos);
      onRound?.(round, what);
    }
    driver.end();
    await played;
    await driver.settle(QUIET);
    await driver.repeatCancels();
    await Promise.all(servers.map((server) => server.kill()));
    const store = await openStore();
    const findings = await check(store, driver.told);
    await store.close();
    return {
      findings: [...crew.findings, ...driver.findings, ...findings],
      executions: driver.told.length,
      cancels: driver.told.flatMap(({ cancels }) => cancels).length,
    };
  } finally {
    driver.close();
    await crew.close();
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** Kills the server: at some time, or at a fault point that it comes to soon. */
export async function crash(server: CrashServer, random: Random, longestPeace: number): Promise<string> {
  const what = await untilCrash(server, random, longestPeace);
  await server.kill();
  return what;
}

async function untilCrash(server: CrashServer, random: Random, longestPeace: number): Promise<string> {
  if (random.chance(0.5)) {
    await passed(random.int(longestPeace));
    return "killed";
  }
  const point = random.pick(FAULT_POINTS);
  server.arm({ point, count: 1 + random.int(10), what: "die" });
  await Promise.race([server.untilDead(), passed(longestPeace)]);
  return `killed at ${point}`;
}
