/** Writes the executions that a batch has changed. */
import { sql, type Transaction } from "kysely";
import { type Execution, type ExecutionKey, keyOf, type QueueItem } from "../../domain/execution.ts";
import type { DecidedBatch } from "../batch.ts";
import { type FixedColumns, fixedColumnsOf, type MutableColumns, mutableColumnsOf } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { type ColumnTypes, columnsOf, namesOf, tableOf } from "./columns.ts";
import { FIXED_COLUMNS, MUTABLE_COLUMNS } from "./execution_columns.ts";

type Changed = DecidedBatch["changed"];

/** New executions get their row numbers into `rids`. */
export async function writeExecutions(
  db: Transaction<Schema>,
  changed: Changed,
  rids: Map<string, number>,
): Promise<void> {
  const all = [...changed.values()];
  const added = all.flatMap(({ before, after }) => (before === null ? [after] : []));
  await insertExecutions(db, added, rids);
  await insertParticulars(db, added, rids);
  await updateExecutions(db, all, rids);
  await updateQueueItems(db, all, rids);
  await writeListenerJobs(db, all, rids);
}

type InsertedColumns = FixedColumns & MutableColumns & { readonly parent_ordinality: number | null };
const INSERTED_COLUMNS: ColumnTypes<InsertedColumns> = {
  ...FIXED_COLUMNS,
  ...MUTABLE_COLUMNS,
  parent_ordinality: "bigint",
};
const COPIED_COLUMNS = columnsOf({ ...FIXED_COLUMNS, ...MUTABLE_COLUMNS }).filter((column) => column !== "parent_rid");

/**
 * Numbered in the order of the commands, and inserted in the order of their keys, as every transaction inserts them: so no two ever wait
 * for each other in a circle. That is why a parent and its child of one batch go into one statement.
 */
async function insertExecutions(
  db: Transaction<Schema>,
  executions: readonly Execution[],
  rids: Map<string, number>,
): Promise<void> {
  if (executions.length === 0) return;
  const ordinalities = new Map(executions.map(({ key }, index) => [keyOf(key), index + 1]));
  const rows = executions.map((execution): InsertedColumns => {
    const { key, spec } = execution;
    const parent = spec.parent === null ? null : { tenant: key.tenant, ...spec.parent };
    const ordinality = parent === null ? null : (ordinalities.get(keyOf(parent)) ?? null);
    return {
      ...fixedColumnsOf(execution, parent === null || ordinality !== null ? null : ridOf(parent, rids)),
      ...mutableColumnsOf(execution),
      parent_ordinality: ordinality,
    };
  });
  const copied = sql.join(COPIED_COLUMNS.map((column) => sql.id(column)));
  const inserted = await sql<ExecutionKey & { readonly rid: number }>`
    with numbered as (
      select nextval(pg_get_serial_sequence('execution', 'rid')) as rid, added.*
      from ${tableOf("added", INSERTED_COLUMNS, rows)}
    )
    insert into execution (rid, parent_rid, ${copied})
    select numbered.rid, coalesce(numbered.parent_rid, parent.rid), ${sql.join(COPIED_COLUMNS.map((column) => sql.ref(`numbered.${column}`)))}
    from numbered left join numbered as parent on parent.ordinality = numbered.parent_ordinality
    order by numbered.tenant, numbered.kind, numbered.id
    returning rid, tenant, kind, id
  `.execute(db);
  for (const { rid, ...key } of inserted.rows) rids.set(keyOf(key), rid);
}

function ridOf(key: ExecutionKey, rids: ReadonlyMap<string, number>): number {
  const rid = rids.get(keyOf(key));
  if (rid === undefined) throw new Error(`no row of ${key.kind} ${key.id} was loaded`);
  return rid;
}

interface LabelColumns {
  readonly name: string;
  readonly value: string;
  readonly execution_rid: number;
}

const LABEL_COLUMNS: ColumnTypes<LabelColumns> = { name: "text", value: "text", execution_rid: "bigint" };

interface QueueItemColumns {
  readonly execution_rid: number;
  readonly position: number;
  readonly id: string;
  readonly state: QueueItem["state"];
}

const QUEUE_ITEM_COLUMNS: ColumnTypes<QueueItemColumns> = {
  execution_rid: "bigint",
  position: "bigint",
  id: "text",
  state: "text",
};

async function insertParticulars(
  db: Transaction<Schema>,
  added: readonly Execution[],
  rids: ReadonlyMap<string, number>,
): Promise<void> {
  const labels = added.flatMap(({ key, spec }) =>
    Object.entries(spec.labels).map(
      ([name, value]): LabelColumns => ({ name, value, execution_rid: ridOf(key, rids) }),
    ),
  );
  if (labels.length > 0) {
    const names = namesOf(LABEL_COLUMNS);
    await sql`insert into label (${names}) select ${names} from ${tableOf("added", LABEL_COLUMNS, labels)}`.execute(db);
  }
  const items = added.flatMap(({ key, queueItems }) =>
    queueItems.map(
      ({ id, state }, position): QueueItemColumns => ({ execution_rid: ridOf(key, rids), position, id, state }),
    ),
  );
  if (items.length > 0) {
    const names = namesOf(QUEUE_ITEM_COLUMNS);
    await sql`insert into work_item (${names}) select ${names} from ${tableOf("added", QUEUE_ITEM_COLUMNS, items)}`.execute(
      db,
    );
  }
}

type UpdatedColumns = MutableColumns & { readonly rid: number };
const UPDATED_COLUMNS: ColumnTypes<UpdatedColumns> = { rid: "bigint", ...MUTABLE_COLUMNS };
const ASSIGNMENTS = sql.join(
  columnsOf(MUTABLE_COLUMNS).map((column) => sql`${sql.id(column)} = changed.${sql.id(column)}`),
);

async function updateExecutions(
  db: Transaction<Schema>,
  all: readonly Change[],
  rids: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = all.flatMap(({ before, after }): UpdatedColumns[] =>
    before === null ? [] : [{ rid: ridOf(after.key, rids), ...mutableColumnsOf(after) }],
  );
  if (rows.length === 0) return;
  await sql`
    update execution set ${ASSIGNMENTS}
    from ${tableOf("changed", UPDATED_COLUMNS, rows)}
    where execution.rid = changed.rid
  `.execute(db);
}

interface Change {
  readonly before: Execution | null;
  readonly after: Execution;
}

async function updateQueueItems(
  db: Transaction<Schema>,
  all: readonly Change[],
  rids: ReadonlyMap<string, number>,
): Promise<void> {
  const changed = all.flatMap(({ before, after }) =>
    after.queueItems.flatMap(({ id, state }, position): QueueItemColumns[] => {
      const isChanged = before !== null && before.queueItems[position]?.state !== state;
      return isChanged ? [{ execution_rid: ridOf(after.key, rids), position, id, state }] : [];
    }),
  );
  if (changed.length === 0) return;
  await sql`
    update work_item set state = changed.state
    from ${tableOf("changed", QUEUE_ITEM_COLUMNS, changed)}
    where work_item.execution_rid = changed.execution_rid and work_item.position = changed.position
  `.execute(db);
}

interface JobColumns {
  readonly execution_rid: number;
  readonly tenant: string;
  readonly type: string;
  readonly available_at: number;
}

const JOB_COLUMNS: ColumnTypes<JobColumns> = {
  execution_rid: "bigint",
  tenant: "text",
  type: "text",
  available_at: "bigint",
};

/** The open jobs, for finding work by type. */
async function writeListenerJobs(
  db: Transaction<Schema>,
  all: readonly Change[],
  rids: ReadonlyMap<string, number>,
): Promise<void> {
  const jobOf = (execution: Execution | null) => execution?.cancellation?.listenerJob ?? null;
  const changed = all.filter(({ before, after }) => jobOf(after) !== jobOf(before));
  const open: JobColumns[] = [];
  const closed: number[] = [];
  for (const { after } of changed) {
    const job = jobOf(after);
    const rid = ridOf(after.key, rids);
    if (job === null || job.state === "incident") closed.push(rid);
    else open.push({ execution_rid: rid, tenant: after.key.tenant, type: job.type, available_at: job.availableAt });
  }
  if (closed.length > 0) await db.deleteFrom("listener_job").where("execution_rid", "in", closed).execute();
  if (open.length > 0) {
    const names = namesOf(JOB_COLUMNS);
    await sql`
      insert into listener_job (${names}) select ${names} from ${tableOf("open", JOB_COLUMNS, open)}
      on conflict (execution_rid) do update set type = excluded.type, available_at = excluded.available_at
    `.execute(db);
  }
}
