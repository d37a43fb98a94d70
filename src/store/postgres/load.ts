/** Loads what a batch of commands touches, and locks it until the transaction ends. */
import { type Kysely, sql } from "kysely";
import { type Execution, type ExecutionKey, keyOf } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { asksForChildren, type Loaded, mintingKeyOf, parentKeyOf } from "../batch.ts";
import { withQueueItems } from "../reads.ts";
import type { ExecutionRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import type { Envelope } from "../store.ts";
import { type ColumnTypes, tableOf } from "./columns.ts";
import { loadCommands, loadMinted } from "./load_commands.ts";

const KEY_COLUMNS: ColumnTypes<ExecutionKey> = { tenant: "text", kind: "text", id: "text" };

export interface LoadedBatch extends Loaded {
  /** On the clock of the database, which all replicas share. */
  readonly now: Millis;
  /** Row numbers by `keyOf`. */
  readonly rids: Map<string, number>;
  /** The effects of the batch that are still owed: another replica may have carried out the others. */
  readonly owed: ReadonlySet<number>;
}

export async function loadBatch(db: Kysely<Schema>, asked: readonly Envelope[]): Promise<LoadedBatch> {
  const minted = await loadMinted(db, asked);
  const envelopes = asked.map((envelope) => {
    const earlier = minted.get(mintingKeyOf(envelope) ?? "");
    return earlier === undefined ? envelope : { ...envelope, key: earlier };
  });
  const rows = await lockExecutions(db, keysOf(envelopes));
  const rids = new Map(rows.map((row) => [keyOf(row), row.rid]));
  const loaded = await withQueueItems(db, rows);
  const executions = new Map<string, Execution>(loaded.map((execution) => [keyOf(execution.key), execution]));
  const { now, parents, owed } = await loadFacts(db, envelopes, rids);
  const withLiveChildren = new Set(rows.filter(({ rid }) => parents.has(rid)).map(keyOf));
  const commands = await loadCommands(db, envelopes, rids);
  return { now, rids, executions, withLiveChildren, owed, commands, minted };
}

/** Every execution that the batch touches or asks about, each once. */
function keysOf(envelopes: readonly Envelope[]): ExecutionKey[] {
  const keys = new Map<string, ExecutionKey>();
  for (const envelope of envelopes) {
    keys.set(keyOf(envelope.key), envelope.key);
    const parent = parentKeyOf(envelope);
    if (parent !== null) keys.set(keyOf(parent), parent);
  }
  return [...keys.values()];
}

/**
 * In the order of row numbers, as every transaction locks them: so no two ever wait for each other in a circle. Keys never change, so rows
 * that refer to an execution can be written meanwhile.
 */
async function lockExecutions(db: Kysely<Schema>, keys: readonly ExecutionKey[]): Promise<ExecutionRow[]> {
  const { rows } = await sql<ExecutionRow>`
    select execution.* from execution
    join ${tableOf("key", KEY_COLUMNS, keys)}
      on execution.tenant = key.tenant and execution.kind = key.kind and execution.id = key.id
    order by execution.rid
    for no key update of execution
  `.execute(db);
  return rows;
}

interface FactsRow {
  readonly now: Millis;
  readonly parents: readonly number[] | null;
  readonly owed: readonly number[] | null;
}

async function loadFacts(db: Kysely<Schema>, envelopes: readonly Envelope[], rids: ReadonlyMap<string, number>) {
  const asking = envelopes.filter(asksForChildren).flatMap(({ key }) => rids.get(keyOf(key)) ?? []);
  const effects = envelopes.flatMap(({ effectId }) => effectId ?? []);
  const { rows } = await sql<FactsRow>`
    select
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
      (select array_agg(distinct parent_rid) from execution where parent_rid = any(${asking}::bigint[]) and live = 1) as parents,
      (select array_agg(id) from effect where id = any(${effects}::bigint[])) as owed
  `.execute(db);
  const [facts] = rows;
  if (facts === undefined) throw new Error("the database answered without a row");
  return { now: facts.now, parents: new Set(facts.parents ?? []), owed: new Set(facts.owed ?? []) };
}
