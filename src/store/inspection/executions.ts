/** Looks at every execution with the rows that belong to it. */
import type { Kysely } from "kysely";
import type { Effect } from "../../domain/effect.ts";
import { nameOf } from "../../domain/refusals.ts";
import type { ExecutionRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { type ExecutionFaults, faultsOf, type InspectedExecution } from "./execution_faults.ts";
import { type Check, Tally } from "./finding.ts";

/** How many executions are in memory at a time. */
const PAGE = 500;

const PROMISES: { readonly [Name in keyof ExecutionFaults]: readonly [name: string, promise: string] } = {
  executions: ["executions", "columns agree with their JSON, and states with their ends"],
  cancellations: ["cancellations", "each that is under way is carried on, or says what it waits for"],
  leases: ["leases", "tokens are sane, and the end of each lease is watched for"],
  listenerJobs: ["listener jobs", "workers are offered the jobs that cancellations wait for, and no others"],
};

export async function inspectExecutions(db: Kysely<Schema>): Promise<Check[]> {
  const tallies = {
    executions: new Tally(...PROMISES.executions),
    cancellations: new Tally(...PROMISES.cancellations),
    leases: new Tally(...PROMISES.leases),
    listenerJobs: new Tally(...PROMISES.listenerJobs),
  };
  let after = 0;
  for (;;) {
    const rows = await db
      .selectFrom("execution")
      .selectAll()
      .where("rid", ">", after)
      .orderBy("rid")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const inspected of await withBelongings(db, rows, after, last.rid)) note(inspected, tallies);
    after = last.rid;
  }
  return Object.values(tallies).map(({ check }) => check);
}

function note(inspected: InspectedExecution, tallies: { readonly [Name in keyof ExecutionFaults]: Tally }): void {
  const { row, listenerJob } = inspected;
  const where = `${nameOf(row)} of tenant ${row.tenant}`;
  tallies.executions.look();
  if (row.cancellation_json !== null) tallies.cancellations.look();
  if (row.lease_token !== null) tallies.leases.look();
  if (listenerJob !== null) tallies.listenerJobs.look();
  const faults = faultsOf(inspected);
  for (const what of faults.executions) tallies.executions.find(where, what);
  for (const what of faults.cancellations) tallies.cancellations.find(where, what);
  for (const what of faults.leases) tallies.leases.find(where, what);
  for (const what of faults.listenerJobs) tallies.listenerJobs.find(where, what);
}

/** @param after the rows are all that there are from the one after it up to `last` */
async function withBelongings(
  db: Kysely<Schema>,
  rows: readonly ExecutionRow[],
  after: number,
  last: number,
): Promise<InspectedExecution[]> {
  const items = await db
    .selectFrom("work_item")
    .select(["execution_rid", "id", "state"])
    .where("execution_rid", ">", after)
    .where("execution_rid", "<=", last)
    .orderBy("execution_rid")
    .orderBy("position")
    .execute();
  const labels = await db
    .selectFrom("label")
    .selectAll()
    .where("execution_rid", ">", after)
    .where("execution_rid", "<=", last)
    .execute();
  const effects = await db
    .selectFrom("effect")
    .select(["execution_rid", "effect_json"])
    .where("execution_rid", ">", after)
    .where("execution_rid", "<=", last)
    .execute();
  const jobs = await db
    .selectFrom("listener_job")
    .selectAll()
    .where("execution_rid", ">", after)
    .where("execution_rid", "<=", last)
    .execute();
  const parents = await db
    .selectFrom("execution as child")
    .innerJoin("execution as parent", "parent.rid", "child.parent_rid")
    .select(["child.rid", "parent.kind", "parent.id"])
    .where("child.rid", ">", after)
    .where("child.rid", "<=", last)
    .execute();
  const withLiveChildren = await db
    .selectFrom("execution")
    .select("parent_rid")
    .distinct()
    .where("parent_rid", ">", after)
    .where("parent_rid", "<=", last)
    .where("live", "=", 1)
    .execute();
  const itemsOf = Map.groupBy(items, ({ execution_rid }) => execution_rid);
  const labelsOf = Map.groupBy(labels, ({ execution_rid }) => execution_rid);
  const effectsOf = Map.groupBy(effects, ({ execution_rid }) => execution_rid);
  const jobOf = new Map(jobs.map((job) => [job.execution_rid, job]));
  const parentOf = new Map(parents.map(({ rid, kind, id }) => [rid, { kind, id }]));
  const live = new Set(withLiveChildren.map(({ parent_rid }) => parent_rid));
  return rows.map((row) => ({
    row,
    queueItems: itemsOf.get(row.rid)?.map(({ id, state }) => ({ id, state })) ?? [],
    labels: Object.fromEntries(labelsOf.get(row.rid)?.map(({ name, value }) => [name, value]) ?? []),
    effects: effectsOf.get(row.rid)?.map(({ effect_json }): Effect => JSON.parse(effect_json)) ?? [],
    listenerJob: jobOf.get(row.rid) ?? null,
    parent: parentOf.get(row.rid) ?? null,
    hasLiveChildren: live.has(row.rid),
  }));
}
