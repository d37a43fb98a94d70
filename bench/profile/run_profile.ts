/** Where the processor time of a cancel goes: Belay under --cpu-prof during a throughput measurement. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { WIRE_TITLES, WIRES } from "../cancel_series.ts";
import { decimal, percent, whole } from "../figures.ts";
import type { LoadResult } from "../load/order.ts";
import { createPeakMeter } from "../load/peak.ts";
import { startLoadProcess } from "../load/process.ts";
import { registeredSupply } from "../load/supply.ts";
import { startBelay } from "../servers/belay.ts";
import { type Table, textTable } from "../table.ts";
import { makeTemporaryFolder } from "../temporary_folder.ts";
import { withOpened } from "../with_opened.ts";
import { readProfiles, type ThreadProfile } from "./cpu_profile.ts";
import { areaTimes, type SelfTime, selfTimes } from "./self_times.ts";

const TOP = 30;

/** In microseconds. Short enough for a call's parts; shorter ones slow the server down. */
const SAMPLE_EVERY = 200;

export async function runProfile(seconds: number): Promise<void> {
  const { path: folder, remove } = makeTemporaryFolder();
  const profiles = join(folder, "profiles");
  mkdirSync(profiles);
  const results = await withOpened((opened) => measureUnderProfile(folder, profiles, seconds, opened));
  const threads = readProfiles(profiles);
  remove();
  for (const [index, wire] of WIRES.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    console.log(
      `\n=== Cancels with nothing to stop, ${WIRE_TITLES[wire]}: ${whole(result.calls / result.seconds)} calls/s`,
    );
    for (const thread of threads) for (const table of tablesOf(thread, result)) console.log(`\n${textTable(table)}`);
  }
}

async function measureUnderProfile(
  folder: string,
  profiles: string,
  seconds: number,
  opened: AsyncDisposableStack,
): Promise<LoadResult[]> {
  const load = startLoadProcess();
  opened.defer(load.close);
  const options = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-interval=${SAMPLE_EVERY}`];
  // The profiles are written when it ends.
  const belay = await startBelay(folder, options);
  opened.defer(belay.close);
  const supply = registeredSupply(load, belay.url, "pending");
  const results: LoadResult[] = [];
  for (const wire of WIRES) {
    console.error(`profile: ${WIRE_TITLES[wire]}`);
    const meter = createPeakMeter(load, wire, belay.url, supply);
    await meter.measure(seconds);
    results.push(await meter.measure(seconds));
  }
  return results;
}

function tablesOf({ thread, profile }: ThreadProfile, result: LoadResult): Table[] {
  const functions = selfTimes(profile, result);
  const busy = functions.reduce((sum, { micros }) => sum + micros, 0);
  const name = thread === 0 ? "Main thread" : `Thread ${thread}`;
  const row = (what: string, micros: number): string[] => [
    what,
    decimal(micros / result.calls),
    percent(micros / busy),
  ];
  const share = percent(busy / (result.until - result.from));
  return [
    {
      caption: `${name}, busy for ${share} of the time, ${decimal(busy / result.calls)} µs a call`,
      columns: ["", "µs a call", "share"],
      rows: areaTimes(functions).map(({ area, micros }) => row(area, micros)),
    },
    {
      caption: `${name}: the functions that ran longest themselves`,
      columns: ["", "µs a call", "share"],
      rows: functions.slice(0, TOP).map(({ name: its, area, micros }: SelfTime) => row(`${its}  [${area}]`, micros)),
    },
  ];
}
