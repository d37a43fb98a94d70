/** Fills a SQLite store with executions in seconds: a few are registered as ever, and their rows are copied by SQL. */
import BetterSqlite3, { type Database } from "better-sqlite3";
import type { ExecutionKey, ExecutionSpec, Kind } from "../../src/domain/execution.ts";
import type { Millis } from "../../src/domain/time.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";

export interface Filling {
  readonly tenant: string;
  readonly kind: Kind;
  /** How many live executions there are to be. */
  readonly executions: number;
  /** How many of them are held by a worker, each with a timer for the end of its lease. They have the lowest ids. */
  readonly held: number;
  /** Among how many workers, from `worker-0` on, those are shared out. */
  readonly workers: number;
  /** When all leases end. */
  readonly leasesEndAt: Millis;
  /** Ids count from here. */
  readonly firstId: number;
  readonly detail: ExecutionSpec["detail"];
}

export const DEFAULT_FILLING: Filling = {
  tenant: "default",
  kind: "process_instance",
  executions: 1_000_000,
  held: 100_000,
  workers: 20_000,
  leasesEndAt: Date.now() + 24 * 60 * 60 * 1000,
  firstId: 1,
  detail: { processDefinitionId: "orders", processDefinitionVersion: 1 },
};

/** Fills the store in the file at `path`, which no server has open. Made if it is not there. */
export async function fillStore(path: string, change: Partial<Filling> = {}): Promise<void> {
  const filling = { ...DEFAULT_FILLING, ...change };
  const { held, executions, firstId } = filling;
  const models: Model[] = [];
  if (held > 0) models.push({ id: firstId, copies: held - 1, workers: filling.workers });
  if (executions > held) models.push({ id: firstId + held, copies: executions - held - 1, workers: 0 });
  await registerModels(path, filling, models);
  const database = new BetterSqlite3(path);
  try {
    // A crash in the middle costs a new start, not a store.
    database.pragma("synchronous = OFF");
    for (const model of models) copy(database, filling, model);
    database.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/** An execution that is there, to be copied to the ids after its own. */
interface Model {
  readonly id: number;
  readonly copies: number;
  /** 0: nobody runs it. */
  readonly workers: number;
}

async function registerModels(path: string, filling: Filling, models: readonly Model[]): Promise<void> {
  const { tenant, kind, detail, leasesEndAt } = filling;
  const now = Date.now();
  const spec: ExecutionSpec = {
    engine: "worker",
    parent: null,
    root: null,
    labels: {},
    listeners: [],
    detail,
    workflowId: null,
    canceledOutcomeId: null,
    callbackUrl: null,
  };
  const store = await openSqliteStore(path);
  try {
    await store.apply(
      models.map(({ id, workers }) => {
        const key: ExecutionKey = { tenant, kind, id: String(id) };
        const claim = workers === 0 ? null : { workerId: "worker-0", leaseDuration: leasesEndAt - now };
        const command = { type: "register", spec, queueItems: [], claim } as const;
        return { key, command, idempotency: null, effectId: null, audit: null };
      }),
      now,
    );
  } finally {
    await store.close();
  }
}

function copy(database: Database, { tenant, kind }: Filling, { id, copies, workers }: Model): void {
  if (copies === 0) return;
  const find = database.prepare<unknown[], number>(
    "select rid from execution where tenant = ? and kind = ? and id = ?",
  );
  const model = find.pluck().get(tenant, kind, String(id));
  if (model === undefined) throw new Error(`there is no ${kind} ${id} to copy`);
  const next = database.prepare<unknown[], number>("select max(rid) + 1 from execution").pluck().get() ?? 1;
  const numbers = `with recursive series(n) as (select 0 union all select n + 1 from series where n < ${copies - 1})`;
  const worker = workers === 0 ? "model.worker_id" : `'worker-' || (1 + n) % ${workers}`;
  database.transaction(() => {
    copyRows(database, "execution", `model.rid = ${model}`, numbers, {
      rid: `${next} + n`,
      id: `cast(${id} + 1 + n as text)`,
      worker_id: worker,
    });
    for (const table of ["event", "effect"]) {
      const own = table === "event" ? "sequence" : "id";
      copyRows(database, table, `model.execution_rid = ${model}`, numbers, {
        [own]: "null",
        execution_rid: `${next} + n`,
      });
    }
  })();
}

/** Copies the rows of a table that `which` names, once for every number, with other values in some columns. */
function copyRows(
  database: Database,
  table: string,
  which: string,
  numbers: string,
  changed: Readonly<Record<string, string>>,
): void {
  const columns = database.prepare<[string], string>("select name from pragma_table_info(?)").pluck().all(table);
  const values = columns.map((column) => changed[column] ?? `model.${column}`);
  database.exec(
    `${numbers} insert into ${table} (${columns.join(", ")}) select ${values.join(", ")} from series, ${table} as model where ${which}`,
  );
}
