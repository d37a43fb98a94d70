/** The reads, in Kysely. The same over every database. */
import type { Kysely, SelectQueryBuilder } from "kysely";
import type { Execution, ExecutionKey, QueueItem } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import { decodePageToken, encodePageToken, type Place } from "./page_token.ts";
import { type ExecutionRow, eventOf, executionOf } from "./rows.ts";
import type { Schema } from "./schema.ts";
import type {
  CancellationFilter,
  CancelledExecution,
  EventFilter,
  ExecutionFilter,
  LastSequence,
  Page,
  PageRequest,
  StoredEvent,
} from "./store.ts";

type Executions = SelectQueryBuilder<Schema, "execution", object>;

export async function findExecution(db: Kysely<Schema>, key: ExecutionKey): Promise<Execution | null> {
  const row = await selectByKey(db, key).selectAll().executeTakeFirst();
  return row === undefined ? null : firstOf(await withQueueItems(db, [row]));
}

export async function findCancellation(
  db: Kysely<Schema>,
  tenant: string,
  cancellationId: string,
): Promise<CancelledExecution | null> {
  const row = await db
    .selectFrom("execution")
    .selectAll()
    .where("cancellation_id", "=", cancellationId)
    .where("tenant", "=", tenant)
    .executeTakeFirst();
  return row === undefined ? null : firstOf(cancelledOf(await withQueueItems(db, [row])));
}

export async function listExecutions(
  db: Kysely<Schema>,
  tenant: string,
  filter: ExecutionFilter,
  page: PageRequest,
): Promise<Page<Execution>> {
  const { kind, states, labels, parent, createdAfter, createdBefore, workflowId } = filter;
  const list = ["executions", tenant, filter];
  const after = decodePageToken(list, page.token);
  let query: Executions = db.selectFrom("execution").where("tenant", "=", tenant).where("kind", "=", kind);
  if (states.length > 0) query = query.where("state", "in", states);
  if (createdAfter !== null) query = query.where("created_at", ">=", createdAfter);
  if (createdBefore !== null) query = query.where("created_at", "<", createdBefore);
  if (workflowId !== null) query = query.where("workflow_id", "=", workflowId);
  if (parent !== null) {
    query = query.where("parent_rid", "=", selectByKey(db, { tenant, ...parent }).select("rid"));
  }
  for (const [name, value] of Object.entries(labels)) {
    query = query.where("rid", "in", (eb) =>
      eb.selectFrom("label").select("execution_rid").where("name", "=", name).where("value", "=", value),
    );
  }
  if (after !== null) {
    query = query.where((eb) => eb(eb.refTuple("created_at", "rid"), "<", eb.tuple(after.at, after.rid)));
  }
  const rows = await query
    .selectAll()
    .orderBy("created_at", "desc")
    .orderBy("rid", "desc")
    .limit(page.size + 1)
    .execute();
  return pageOf(rows, page.size, list, (row) => row.created_at, await withQueueItems(db, rows.slice(0, page.size)));
}

export async function listCancellations(
  db: Kysely<Schema>,
  tenant: string,
  filter: CancellationFilter,
  page: PageRequest,
): Promise<Page<CancelledExecution>> {
  const { kind, execution, outcome, overdueOnly, requestedAfter, requestedBefore } = filter;
  const list = ["cancellations", tenant, filter];
  const after = decodePageToken(list, page.token);
  let query: Executions = db
    .selectFrom("execution")
    .where("tenant", "=", tenant)
    .where("cancellation_requested_at", "is not", null);
  if (kind !== null) query = query.where("kind", "=", kind);
  if (execution !== null) query = query.where("kind", "=", execution.kind).where("id", "=", execution.id);
  if (outcome !== null) query = query.where("cancellation_outcome", "=", outcome);
  if (overdueOnly) query = query.where("cancellation_overdue", "=", 1);
  if (requestedAfter !== null) query = query.where("cancellation_requested_at", ">=", requestedAfter);
  if (requestedBefore !== null) query = query.where("cancellation_requested_at", "<", requestedBefore);
  if (after !== null) {
    query = query.where((eb) =>
      eb(eb.refTuple("cancellation_requested_at", "rid"), "<", eb.tuple(after.at, after.rid)),
    );
  }
  const rows = await query
    .selectAll()
    .orderBy("cancellation_requested_at", "desc")
    .orderBy("rid", "desc")
    .limit(page.size + 1)
    .execute();
  const items = cancelledOf(await withQueueItems(db, rows.slice(0, page.size)));
  return pageOf(rows, page.size, list, (row) => row.cancellation_requested_at ?? 0, items);
}

export async function listEvents(db: Kysely<Schema>, filter: EventFilter): Promise<readonly StoredEvent[]> {
  let query = db
    .selectFrom("event")
    .where("execution_rid", "=", selectByKey(db, filter.key).select("rid"))
    .where("sequence", ">", filter.afterSequence);
  if (filter.cancellationId !== null) query = query.where("cancellation_id", "=", filter.cancellationId);
  if (filter.upToSequence !== null) query = query.where("sequence", "<=", filter.upToSequence);
  const rows = await query.selectAll().orderBy("sequence").limit(filter.limit).execute();
  return rows.map((row) => eventOf(row, filter.key));
}

/** How many executions one statement asks for. */
const KEYS_A_STATEMENT = 500;

export async function lastSequences(db: Kysely<Schema>, keys: readonly ExecutionKey[]): Promise<LastSequence[]> {
  const found: LastSequence[] = [];
  for (let from = 0; from < keys.length; from += KEYS_A_STATEMENT) {
    const asked = keys.slice(from, from + KEYS_A_STATEMENT);
    const rows = await db
      .selectFrom("execution")
      .where((eb) =>
        eb(
          eb.refTuple("tenant", "kind", "id"),
          "in",
          asked.map(({ tenant, kind, id }) => eb.tuple(tenant, kind, id)),
        ),
      )
      .select((eb) => [
        "tenant",
        "kind",
        "id",
        eb
          .selectFrom("event")
          .select((event) => event.fn.max<number>("sequence").as("last"))
          .whereRef("event.execution_rid", "=", "execution.rid")
          .as("sequence"),
      ])
      .execute();
    for (const { sequence, ...key } of rows) if (sequence !== null) found.push({ key, sequence });
  }
  return found;
}

export async function lastSequence(db: Kysely<Schema>): Promise<number> {
  const row = await db.selectFrom("event").select("sequence").orderBy("sequence", "desc").limit(1).executeTakeFirst();
  return row?.sequence ?? 0;
}

export async function listHeldBy(db: Kysely<Schema>, tenant: string, workerId: string): Promise<readonly Execution[]> {
  const rows = await db
    .selectFrom("execution")
    .selectAll()
    .where("tenant", "=", tenant)
    .where("worker_id", "=", workerId)
    .where("live", "=", 1)
    .execute();
  return withQueueItems(db, rows);
}

export async function listOpenListenerJobs(
  db: Kysely<Schema>,
  tenant: string,
  types: readonly string[],
  now: Millis,
  limit: number,
): Promise<readonly CancelledExecution[]> {
  // Chosen first: so that only the executions that are shown are read.
  const open = db
    .selectFrom("listener_job")
    .select(["execution_rid", "available_at"])
    .where("tenant", "=", tenant)
    .where("type", "in", types)
    .where("available_at", "<=", now)
    .orderBy("available_at")
    .limit(limit);
  const rows = await db
    .selectFrom(open.as("open"))
    .innerJoin("execution", "execution.rid", "open.execution_rid")
    .selectAll("execution")
    .orderBy("open.available_at")
    .execute();
  return cancelledOf(await withQueueItems(db, rows));
}

export async function nextListenerJobAt(
  db: Kysely<Schema>,
  tenant: string,
  types: readonly string[],
): Promise<Millis | null> {
  const row = await db
    .selectFrom("listener_job")
    .select("available_at")
    .where("tenant", "=", tenant)
    .where("type", "in", types)
    .orderBy("available_at")
    .limit(1)
    .executeTakeFirst();
  return row?.available_at ?? null;
}

export async function listLiveChildren(
  db: Kysely<Schema>,
  parent: ExecutionKey,
  after: ExecutionKey | null,
  limit: number,
): Promise<readonly ExecutionKey[]> {
  let query: Executions = db
    .selectFrom("execution")
    .where("parent_rid", "=", selectByKey(db, parent).select("rid"))
    .where("live", "=", 1);
  if (after !== null) query = query.where("rid", ">", selectByKey(db, after).select("rid"));
  return query.select(["tenant", "kind", "id"]).orderBy("rid").limit(limit).execute();
}

export async function nextEffectAt(db: Kysely<Schema>): Promise<Millis | null> {
  const row = await db.selectFrom("effect").select("due_at").orderBy("due_at").limit(1).executeTakeFirst();
  return row?.due_at ?? null;
}

function selectByKey(db: Kysely<Schema>, key: ExecutionKey): Executions {
  return db
    .selectFrom("execution")
    .where("tenant", "=", key.tenant)
    .where("kind", "=", key.kind)
    .where("id", "=", key.id);
}

/** The executions of rows, with their queue items. */
export async function withQueueItems(db: Kysely<Schema>, rows: readonly ExecutionRow[]): Promise<Execution[]> {
  const owners = rows.filter((row) => row.has_queue_items === 1).map((row) => row.rid);
  const items = new Map<number, QueueItem[]>();
  if (owners.length > 0) {
    const found = await db
      .selectFrom("work_item")
      .selectAll()
      .where("execution_rid", "in", owners)
      .orderBy("execution_rid")
      .orderBy("position")
      .execute();
    for (const item of found) {
      const siblings = items.get(item.execution_rid) ?? [];
      siblings.push({ id: item.id, state: item.state });
      items.set(item.execution_rid, siblings);
    }
  }
  return rows.map((row) => executionOf(row, items.get(row.rid) ?? []));
}

function cancelledOf(executions: readonly Execution[]): CancelledExecution[] {
  return executions.flatMap((execution) =>
    execution.cancellation === null ? [] : [{ execution, cancellation: execution.cancellation }],
  );
}

function firstOf<T>(items: readonly T[]): T | null {
  return items[0] ?? null;
}

/** A page out of one row more than it holds: that row only says whether there is a next page. */
function pageOf<T>(
  rows: readonly ExecutionRow[],
  size: number,
  list: unknown,
  at: (row: ExecutionRow) => Millis,
  items: readonly T[],
): Page<T> {
  const last = rows[size - 1];
  if (rows.length <= size || last === undefined) return { items, nextPageToken: "" };
  const place: Place = { at: at(last), rid: last.rid };
  return { items, nextPageToken: encodePageToken(list, place) };
}
