/** Removes what was finished long ago, a bounded number of rows a step. The same statements over every database. */
import type { ExpressionBuilder, Kysely, Selectable, SelectQueryBuilder } from "kysely";
import type { Millis } from "../domain/time.ts";
import type { BatchOperationTable, ExecutionTable, Schema } from "./schema.ts";

/**
 * Each step removes what is old enough among the next few candidates after `place`, and resolves with the place of the next step; null:
 * there is no next one. The first place is `FIRST_PLACE`.
 */
export interface Pruning {
  /** Runs `work` unless another process is pruning, and resolves with whether it did. */
  alone(work: () => Promise<void>): Promise<boolean>;
  /**
   * Executions that ended before `before`, with their labels, queue items and timeline. Those stay that have children, a live parent, an
   * effect that is owed, a command that is remembered, or a place in a batch operation: once these are gone, a later call removes them.
   */
  removeExecutions(before: Millis, place: number): Promise<number | null>;
  /** Batch operations that ended before `before`, with their items, once no command of theirs is remembered. */
  removeBatchOperations(before: Millis, place: number): Promise<number | null>;
  /** Audit events from before `before`, the oldest first. The last of each log stays, so that the next one can follow it. */
  removeAuditEvents(before: Millis, place: string, now: Millis): Promise<string | null>;
}

export const FIRST_PLACE = 0;

/** Before the name of every tenant. */
export const FIRST_TENANT = "";

/** How many executions or batch operations a step looks at. */
export const CANDIDATES = 50;

/** How many rows of one table a step removes. */
export const ROWS = 500;

/** The name and the age of a row, and whether it can go. */
export interface Candidate {
  readonly rid: number;
  readonly created_at: Millis;
  readonly removable: number;
}

type SelectCandidates = Pick<SelectQueryBuilder<Schema, never, Candidate>, "compile" | "execute">;

export function removableOf(candidates: readonly Candidate[]): number[] {
  return candidates.filter(({ removable }) => removable === 1).map(({ rid }) => rid);
}

/**
 * Rows are numbered in the order in which they are made, and nothing ends before it is made: so those that are too young are all at the
 * end, and no index over the time of the end is needed.
 */
export function nextPlaceOf(candidates: readonly Candidate[], before: Millis): number | null {
  const last = candidates.at(-1);
  return last === undefined || candidates.length < CANDIDATES || last.created_at >= before ? null : last.rid;
}

/** The next few are taken first and judged then: in one go, PostgreSQL reads the other tables from end to end in order to judge. */
export function selectExecutions(db: Kysely<Schema>, before: Millis, place: number): SelectCandidates {
  const next = db
    .selectFrom("execution")
    .select(["rid", "parent_rid", "live", "created_at", "ended_at"])
    .where("rid", ">", place)
    .orderBy("rid")
    .limit(CANDIDATES);
  return db
    .selectFrom(next.as("next"))
    .select((eb) => [
      "next.rid",
      "next.created_at",
      eb.case().when(isRemovable(eb, before)).then(1).else(0).end().as("removable"),
    ])
    .orderBy("next.rid");
}

type NextExecution = ExpressionBuilder<
  Schema & {
    readonly next: Pick<Selectable<ExecutionTable>, "rid" | "parent_rid" | "live" | "created_at" | "ended_at">;
  },
  "next"
>;

function isRemovable(eb: NextExecution, before: Millis) {
  const parent = eb
    .selectFrom("execution as parent")
    .select("parent.rid")
    .whereRef("parent.rid", "=", "next.parent_rid")
    .where("parent.live", "=", 1);
  const child = eb.selectFrom("execution as child").select("child.rid").whereRef("child.parent_rid", "=", "next.rid");
  const effect = eb.selectFrom("effect").select("effect.id").whereRef("effect.execution_rid", "=", "next.rid");
  const command = eb
    .selectFrom("command")
    .select("command.command_id")
    .whereRef("command.execution_rid", "=", "next.rid");
  const item = eb
    .selectFrom("batch_item")
    .select("batch_item.batch_rid")
    .whereRef("batch_item.execution_rid", "=", "next.rid");
  return eb.and([
    eb("next.live", "=", 0),
    eb("next.ended_at", "<", before),
    ...[parent, child, effect, command, item].map((reason) => eb.not(eb.exists(reason))),
  ]);
}

/** Up to `ROWS` of the timelines of these executions. */
export function deleteEvents(db: Kysely<Schema>, rids: readonly number[]) {
  const some = db
    .selectFrom("event")
    .select("sequence")
    .where("execution_rid", "in", rids)
    // The order of the index: in no order, PostgreSQL may find it quicker to read the table.
    .orderBy("execution_rid")
    .orderBy("sequence")
    .limit(ROWS);
  return db.deleteFrom("event").where("sequence", "in", some);
}

/** Up to `ROWS` of the queue items of these executions. */
export function deleteQueueItems(db: Kysely<Schema>, rids: readonly number[]) {
  const some = db
    .selectFrom("work_item")
    .select(["execution_rid", "position"])
    .where("execution_rid", "in", rids)
    .orderBy("execution_rid")
    .orderBy("position")
    .limit(ROWS)
    .$asTuple("execution_rid", "position");
  return db.deleteFrom("work_item").where((eb) => eb(eb.refTuple("execution_rid", "position"), "in", some));
}

export function deleteLabels(db: Kysely<Schema>, rids: readonly number[]) {
  return db.deleteFrom("label").where("execution_rid", "in", rids);
}

export function deleteExecutions(db: Kysely<Schema>, rids: readonly number[]) {
  return db.deleteFrom("execution").where("rid", "in", rids);
}

export function selectBatchOperations(db: Kysely<Schema>, before: Millis, place: number): SelectCandidates {
  const next = db
    .selectFrom("batch_operation")
    .select(["rid", "command_id", "created_at", "ended_at"])
    .where("rid", ">", place)
    .orderBy("rid")
    .limit(CANDIDATES);
  return db
    .selectFrom(next.as("next"))
    .select((eb) => [
      "next.rid",
      "next.created_at",
      eb.case().when(isSettled(eb, before)).then(1).else(0).end().as("removable"),
    ])
    .orderBy("next.rid");
}

type NextBatch = ExpressionBuilder<
  Schema & { readonly next: Pick<Selectable<BatchOperationTable>, "rid" | "command_id" | "created_at" | "ended_at"> },
  "next"
>;

function isSettled(eb: NextBatch, before: Millis) {
  const steering = eb
    .selectFrom("batch_command")
    .select("batch_command.command_id")
    .whereRef("batch_command.batch_rid", "=", "next.rid");
  // The items that a cancelled batch operation had begun with settle after its own end.
  const open = eb
    .selectFrom("batch_item")
    .select("batch_item.execution_rid")
    .whereRef("batch_item.batch_rid", "=", "next.rid")
    .where("batch_item.state", "in", ["pending", "active"]);
  return eb.and([
    eb("next.ended_at", "<", before),
    eb("next.command_id", "is", null),
    ...[steering, open].map((reason) => eb.not(eb.exists(reason))),
  ]);
}

/** Up to `ROWS` of the items of these batch operations. */
export function deleteItems(db: Kysely<Schema>, rids: readonly number[]) {
  const some = db
    .selectFrom("batch_item")
    .select(["batch_rid", "execution_rid"])
    .where("batch_rid", "in", rids)
    .orderBy("batch_rid")
    .orderBy("execution_rid")
    .limit(ROWS)
    .$asTuple("batch_rid", "execution_rid");
  return db.deleteFrom("batch_item").where((eb) => eb(eb.refTuple("batch_rid", "execution_rid"), "in", some));
}

export function deleteBatchOperations(db: Kysely<Schema>, rids: readonly number[]) {
  return db.deleteFrom("batch_operation").where("rid", "in", rids);
}

/** The first tenant after `place` that has an audit log. */
export function selectNextTenant(db: Kysely<Schema>, place: string) {
  return db.selectFrom("audit_event").select("tenant").where("tenant", ">", place).orderBy("tenant").limit(1);
}

/** One more than a step removes: the last of a log stays. */
export function selectOldestAuditEvents(db: Kysely<Schema>, tenant: string) {
  return db
    .selectFrom("audit_event")
    .select(["number", "hash", "at"])
    .where("tenant", "=", tenant)
    .orderBy("number")
    .limit(ROWS + 1);
}

export interface OldAuditEvent {
  readonly number: number;
  readonly hash: string;
  readonly at: Millis;
}

/** The last one of those that can go; null if none can. Nothing goes before what is older than it. */
export function lastRemovable(oldest: readonly OldAuditEvent[], before: Millis): OldAuditEvent | null {
  const tooYoung = oldest.findIndex(({ at }) => at >= before);
  const end = tooYoung === -1 ? oldest.length - 1 : Math.min(tooYoung, oldest.length - 1);
  return oldest[end - 1] ?? null;
}

/** True if the step has not seen the end of what can go. */
export function goesOn(oldest: readonly OldAuditEvent[], last: OldAuditEvent | null): boolean {
  return oldest.length === ROWS + 1 && oldest.at(-2) === last;
}

export function deleteAuditEvents(db: Kysely<Schema>, tenant: string, last: OldAuditEvent) {
  return db.deleteFrom("audit_event").where("tenant", "=", tenant).where("number", "<=", last.number);
}

/** Notes where the log begins from now on, so that this can be told from a beginning that somebody has cut off. */
export function putAnchor(db: Kysely<Schema>, tenant: string, { number, hash }: OldAuditEvent, now: Millis) {
  return db
    .insertInto("audit_anchor")
    .values({ tenant, number, hash, removed_at: now })
    .onConflict((conflict) => conflict.column("tenant").doUpdateSet({ number, hash, removed_at: now }));
}
