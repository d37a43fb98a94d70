/**
 * The crash test over PostgreSQL: three replicas, of which one or another is killed, or stands still for longer than its claims and
 * leases and goes on too late; and the database, whose connections break, and which is killed itself.
 */
import { setTimeout as passed } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { FAULT_POINTS } from "../../src/store/faults.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import type { Random } from "../fuzz/random.ts";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { type CrashReport, type CrashRun, crash, runCrashes } from "./crash_run.ts";
import { type CrashServer, startCrashServer } from "./crash_server.ts";

const REPLICAS = 3;

/** As a real one has them, fsync included. */
const SETTINGS = ["max_connections=200", "log_min_messages=log"];

/** Longer than the claims of the servers (1 s) and the leases of the workers (2 s). */
const FROZEN = 3_500;

/** What a server must never log, whatever happens to the database. */
const FAULT = /"a request failed"|uncaught|unhandled|deadlock/i;

export async function crashOverPostgres(run: CrashRun): Promise<CrashReport> {
  const cluster = await startCluster(SETTINGS);
  try {
    const url = await cluster.createDatabase();
    const servers: CrashServer[] = [];
    for (let count = 0; count < REPLICAS; count += 1) servers.push(await startCrashServer(["--database-url", url]));
    const report = await runCrashes(
      {
        servers,
        breakSomething: (random) => breakSomething(cluster, url, servers, random, run.longestPeace),
        openStore: () => openPostgresStore({ url, logger: pino({ level: "silent" }) }),
      },
      run,
    );
    const faults = servers.flatMap((server) => server.log().filter((line) => FAULT.test(line)));
    return { ...report, findings: [...report.findings, ...faults.map((line) => `a server logged: ${line}`)] };
  } finally {
    await cluster.stop();
  }
}

async function breakSomething(
  cluster: Cluster,
  url: string,
  servers: readonly CrashServer[],
  random: Random,
  longestPeace: number,
): Promise<string> {
  const server = random.pick(servers);
  const chosen = random.int(10);
  if (chosen < 4) {
    const what = await crash(server, random, longestPeace);
    await server.start();
    return `replica ${what}`;
  }
  if (chosen < 6) return await freeze(server, random, longestPeace);
  await passed(random.int(longestPeace));
  if (chosen < 9) return await breakConnections(url, random);
  await cluster.kill();
  await passed(random.int(500));
  await startAgain(cluster);
  return "database killed";
}

/** Stands still somewhere, or in the middle of something: a transaction, a call to an engine. */
async function freeze(server: CrashServer, random: Random, longestPeace: number): Promise<string> {
  const point = random.pick(FAULT_POINTS);
  const frozen = server.untilFrozen();
  server.arm({ point, count: 1 + random.int(5), what: "freeze" });
  await Promise.race([frozen, passed(longestPeace)]);
  server.freeze();
  await passed(FROZEN);
  server.thaw();
  return `replica frozen at ${point}`;
}

/** Breaks about half of the connections, whatever they are doing. */
async function breakConnections(url: string, random: Random): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name like 'belay%' order by pid",
  );
  const broken = rows.filter(() => random.chance(0.5));
  for (const { pid } of broken) await client.query("select pg_terminate_backend($1)", [pid]);
  await client.end();
  return `${broken.length} connections broken`;
}

/** The processes that the killed one has left may still be ending. */
async function startAgain(cluster: Cluster): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await cluster.start();
      return;
    } catch (error) {
      if (tries === 20) throw error;
    }
    await passed(200);
  }
}
