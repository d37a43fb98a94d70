/** What PostgreSQL does by itself: transactions that update one row each, by pgbench where it is there, by this process elsewhere. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

export interface RowUpdates {
  /** Transactions a second. */
  readonly rate: number;
  readonly by: "pgbench" | "node-postgres";
}

/** As many as Belay's replicas may have open together. */
const CLIENTS = 30;

/** Enough that two clients seldom meet at one. */
const ROWS = 100_000;

const TABLE = `create table bench_row (id bigint primary key, n bigint not null);
insert into bench_row select id, 0 from generate_series(1, ${ROWS}) as id`;

export async function prepareRows(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(TABLE);
  await client.end();
}

export async function measureRowUpdates(url: string, seconds: number): Promise<RowUpdates> {
  const script = `\\set id random(1, ${ROWS})\nupdate bench_row set n = n + 1 where id = :id;\n`;
  try {
    return { rate: await runPgbench(url, script, seconds), by: "pgbench" };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { rate: await updateFromHere(url, seconds), by: "node-postgres" };
  }
}

async function runPgbench(url: string, script: string, seconds: number): Promise<number> {
  const { hostname, port, username, pathname } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), "belay-bench-"));
  const file = join(folder, "update.sql");
  writeFileSync(file, script);
  const how = ["-n", "-c", String(CLIENTS), "-j", "2", "-T", String(seconds), "-f", file, "-M", "prepared"];
  const where = ["-h", hostname, "-p", port, "-U", username, pathname.slice(1)];
  const { stdout } = await promisify(execFile)("pgbench", [...how, ...where]).finally(() =>
    rmSync(folder, { recursive: true }),
  );
  const [, rate] = /tps = ([\d.]+)/.exec(stdout) ?? [];
  if (rate === undefined) throw new Error(`pgbench said no rate:\n${stdout}`);
  return Number(rate);
}

async function updateFromHere(url: string, seconds: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: CLIENTS });
  const end = performance.now() + seconds * 1000;
  let updates = 0;
  const update = async (): Promise<void> => {
    while (performance.now() < end) {
      const id = 1 + Math.floor(Math.random() * ROWS);
      await pool.query({ name: "update", text: "update bench_row set n = n + 1 where id = $1", values: [id] });
      updates += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, update));
  await pool.end();
  return updates / seconds;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
