/** `npm run bench:replicas`: durable cancels over PostgreSQL with one, two and three replicas, beside SQLite and beside PostgreSQL alone. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { startCluster } from "../../test/postgres/cluster.ts";
import { PEAK } from "../load/concurrency.ts";
import { startLoadProcess } from "../load/process.ts";
import { describeMachine } from "../machine.ts";
import { type BelayServer, startBelay, startReplica } from "../servers/belay.ts";
import { median } from "../statistics.ts";
import { startCountingProxy } from "./counting_proxy.ts";
import { measureRowUpdates, prepareRows, type RowUpdates } from "./row_updates.ts";
import { measureSignalTime, type SignalTime } from "./signal_time.ts";

const RESULTS = join(import.meta.dirname, "..", "results");

/** As it is delivered: every commit is on the disk before it is answered. */
const DURABLE = ["max_connections=200", "log_min_messages=warning"];

const REPLICAS = [1, 2, 3] as const;

interface Measured {
  readonly sqlite: number[];
  readonly replicas: Record<number, number[]>;
  readonly rowUpdates: RowUpdates[];
  readonly roundTripsPerCancel: number[];
  signal: SignalTime | null;
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "5" } },
});
await run(Number(values.rounds), Number(values.seconds));

async function run(rounds: number, seconds: number): Promise<void> {
  const machine = describeMachine();
  mkdirSync(RESULTS, { recursive: true });
  const folder = mkdtempSync(join(RESULTS, "databases-"));
  // PostgreSQL runs as another user than root.
  chmodSync(folder, 0o755);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const cluster = await startCluster(DURABLE, folder);
  const measured: Measured = {
    sqlite: [],
    replicas: { 1: [], 2: [], 3: [] },
    rowUpdates: [],
    roundTripsPerCancel: [],
    signal: null,
  };
  try {
    const rows = await cluster.createDatabase();
    await prepareRows(rows);
    for (let round = 1; round <= rounds; round += 1) {
      console.error(`round ${round} of ${rounds}`);
      measured.rowUpdates.push(await measureRowUpdates(rows, seconds));
      const sqlite = await startBelay(mkdtempSync(join(folder, "sqlite-")));
      measured.sqlite.push(await cancelsPerSecond([sqlite], seconds));
      await sqlite.close();
      for (const count of REPLICAS) await measureReplicas(count, await cluster.createDatabase(), seconds, measured);
      measured.roundTripsPerCancel.push(await countRoundTrips(await cluster.createDatabase(), seconds));
    }
    measured.signal = await measureSignals(await cluster.createDatabase());
  } finally {
    await cluster.stop();
  }
  console.log(`\n${reportOf(measured)}\n\n${JSON.stringify(machine)}`);
  const file = join(RESULTS, `replicas-${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify({ machine, rounds, seconds, measured }, null, 2)}\n`);
  console.log(`\nEvery round's figures: ${relative(process.cwd(), file)}`);
}

async function measureReplicas(count: number, url: string, seconds: number, measured: Measured): Promise<void> {
  const servers: BelayServer[] = [];
  for (let n = 0; n < count; n += 1) servers.push(await startReplica(url));
  measured.replicas[count]?.push(await cancelsPerSecond(servers, seconds));
  await Promise.all(servers.map((server) => server.close()));
}

/** Executions that nobody has started: each is cancelled once. Every server has a load process of its own. */
async function cancelsPerSecond(servers: readonly BelayServer[], seconds: number): Promise<number> {
  const loads = servers.map(({ url }, index) => ({ url, first: 1 + index * 1e9, load: startLoadProcess() }));
  const enough = Math.ceil((10_000 * seconds) / servers.length);
  const order = { wire: "grpc", ...PEAK.grpc } as const;
  await Promise.all(
    loads.map(({ url, first, load }) =>
      load.run({ ...order, url, call: "register_pending", first, count: enough, seconds: null }),
    ),
  );
  const results = await Promise.all(
    loads.map(({ url, first, load }) => load.run({ ...order, url, call: "cancel", first, count: enough, seconds })),
  );
  for (const { load } of loads) load.close();
  return results.reduce((sum, result) => sum + result.calls / result.seconds, 0);
}

/** Counted on the wire, from the first cancel to the last. */
async function countRoundTrips(url: string, seconds: number): Promise<number> {
  const direct = new URL(url);
  const proxy = await startCountingProxy(Number(direct.port));
  direct.port = String(proxy.port);
  const server = await startReplica(direct.href);
  const load = startLoadProcess();
  const order = { wire: "grpc", url: server.url, first: 1, ...PEAK.grpc } as const;
  const count = 5_000 * seconds;
  await load.run({ ...order, call: "register_pending", count, seconds: null });
  proxy.take();
  const { calls } = await load.run({ ...order, call: "cancel", count, seconds });
  const roundTrips = proxy.take();
  load.close();
  await server.close();
  proxy.close();
  return roundTrips / calls;
}

async function measureSignals(url: string): Promise<SignalTime> {
  const [a, b] = [await startReplica(url), await startReplica(url)];
  await measureSignalTime(a.url, b.url, 20);
  const measured = await measureSignalTime(b.url, a.url, 200);
  await Promise.all([a.close(), b.close()]);
  return measured;
}

function reportOf({ sqlite, replicas, rowUpdates, roundTripsPerCancel, signal }: Measured): string {
  const base = median(rowUpdates.map(({ rate }) => rate));
  const row = (name: string, rates: readonly number[]): string => {
    const rate = median(rates);
    const range = `${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)}`;
    return `| ${name} | ${rate.toFixed(0)} (${range}) | ${(rate / base).toFixed(2)} |`;
  };
  const [{ by } = { by: "pgbench" }] = rowUpdates;
  return [
    "| | a second (min–max) | × one-row updates |",
    "|---|---|---|",
    row(
      `PostgreSQL alone: one-row updates (${by})`,
      rowUpdates.map(({ rate }) => rate),
    ),
    row("Belay over SQLite: durable cancels", sqlite),
    ...REPLICAS.map((count) =>
      row(`Belay over PostgreSQL, ${count} replica${count > 1 ? "s" : ""}`, replicas[count] ?? []),
    ),
    "",
    `Round trips to PostgreSQL for each cancel under load: ${median(roundTripsPerCancel).toFixed(3)}`,
    signal === null
      ? ""
      : `Cancel on one replica, worker on another: answered p50 ${signal.answer.p50.toFixed(1)} ms, p99 ${signal.answer.p99.toFixed(1)} ms; ` +
        `signal p50 ${signal.signal.p50.toFixed(1)} ms, p99 ${signal.signal.p99.toFixed(1)} ms`,
  ].join("\n");
}
