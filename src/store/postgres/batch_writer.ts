/** Applies a batch of commands to PostgreSQL: one transaction, a handful of round trips however many commands there are. */
import type { Kysely, Transaction } from "kysely";
import { keyOf } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import type { AuditEntry } from "../audit.ts";
import { entryOfCancel } from "../audit_entry.ts";
import { answersWaiting, commandKeyOf, type Decided, type DecidedBatch, decideBatch } from "../batch.ts";
import type { Faults } from "../faults.ts";
import { lastSequence } from "../reads.ts";
import type { Schema } from "../schema.ts";
import type { Applied, Envelope, Replay, StoredEvent } from "../store.ts";
import { appendAudit } from "./append_audit.ts";
import { retryingConflicts } from "./conflicts.ts";
import { type LoadedBatch, loadBatch } from "./load.ts";
import { notifyChanges } from "./notices.ts";
import { writeExecutions } from "./write_executions.ts";
import {
  answerWaiting,
  deleteEffects,
  insertCommands,
  insertEffects,
  insertEvents,
  type NewCommand,
} from "./write_records.ts";

export interface BatchOptions {
  /** The name by which this process tells its own notices. */
  readonly replica: string;
  /** How long the effects that are handed out are not to be claimed by anybody else. */
  readonly effectClaim: Millis;
  readonly faults: Faults | undefined;
}

/** @param now null: what the database's clock says */
export async function applyBatch(
  db: Kysely<Schema>,
  options: BatchOptions,
  envelopes: readonly Envelope[],
  now: Millis | null,
): Promise<readonly Applied[]> {
  const { faults } = options;
  const applied = await retryingConflicts(() =>
    db.transaction().execute(async (transaction) => {
      const decided = await applyWithin(transaction, options, envelopes, now);
      if (faults !== undefined) await faults.reach("store.before_commit");
      return decided;
    }),
  );
  if (faults !== undefined) await faults.reach("store.after_commit");
  return applied;
}

/** The same within a transaction that has begun. */
export async function applyWithin(
  db: Transaction<Schema>,
  options: BatchOptions,
  envelopes: readonly Envelope[],
  givenNow: Millis | null,
): Promise<readonly Applied[]> {
  const found = await loadBatch(db, envelopes);
  const loaded = { ...found, now: givenNow ?? found.now };
  // Another replica may have carried an effect out already, after this one was taken for dead.
  const isOwed = ({ effectId }: Envelope): boolean => effectId === null || loaded.owed.has(effectId);
  const batch = decideBatch(envelopes.filter(isOwed), loaded, loaded.now);
  const applied = await write(db, options, batch, loaded);
  return envelopes.map((envelope) => (isOwed(envelope) ? next(applied) : superseded(envelope, loaded)));
}

function next(applied: Applied[]): Applied {
  const first = applied.shift();
  if (first === undefined) throw new Error("fewer commands were decided than there are");
  return first;
}

function superseded({ key }: Envelope, { executions }: LoadedBatch): Applied {
  return {
    reply: { accepted: true, disposition: "unchanged" },
    execution: executions.get(keyOf(key)) ?? null,
    events: [],
    effects: [],
    replay: null,
    upToSequence: null,
  };
}

async function write(
  db: Transaction<Schema>,
  { replica, effectClaim }: BatchOptions,
  batch: DecidedBatch,
  loaded: LoadedBatch,
): Promise<Applied[]> {
  const { now, rids } = loaded;
  const { decided } = batch;
  await writeExecutions(db, batch.changed, rids);
  await deleteEffects(
    db,
    decided.flatMap(({ envelope }) => envelope.effectId ?? []),
  );
  const events = await insertEvents(db, decided, rids);
  const effects = await insertEffects(db, decided, rids, now, now + effectClaim);
  // A command that is kept and brings no event shows what there was before it.
  const isSilent = decided.some(({ keep }, index) => keep !== null && events[index]?.length === 0);
  const latest = isSilent ? await lastSequence(db) : 0;
  const commands = decided.map((one, index) => commandOf(one, events[index]?.at(-1)?.sequence ?? latest, rids));
  const kept = commands.filter((command) => command !== null);
  await insertCommands(db, kept, now);
  await answerWaiting(
    db,
    decided.flatMap((one, index) => answerOf(one, events[index] ?? [], rids)),
  );
  await appendAudit(db, decided.flatMap(auditOf), now);
  await notifyChanges(db, replica, decided, events);
  const lastSequences = new Map(
    kept.map(({ key, idempotency, lastSequence: last }) => [commandKeyOf(key, idempotency), last]),
  );
  return decided.map((one, index) => ({
    reply: one.reply,
    execution: one.execution,
    events: events[index] ?? [],
    effects: effects[index] ?? [],
    replay: replayOf(one, lastSequences),
    upToSequence: commands[index]?.lastSequence ?? null,
  }));
}

/** The command to keep; null if there is none. */
function commandOf(
  { envelope: { key }, execution, keep }: Decided,
  lastSequence: number,
  rids: ReadonlyMap<string, number>,
): NewCommand | null {
  const rid = rids.get(keyOf(key));
  return keep === null || rid === undefined || execution === null
    ? null
    : { key, rid, ...keep, execution, lastSequence };
}

function answerOf(decided: Decided, events: readonly StoredEvent[], rids: ReadonlyMap<string, number>) {
  const rid = rids.get(keyOf(decided.envelope.key));
  if (rid === undefined || !answersWaiting(decided)) return [];
  const execution_json = JSON.stringify(decided.execution);
  return [{ execution_rid: rid, execution_json, last_sequence: events.at(-1)?.sequence ?? 0 }];
}

function auditOf({ envelope, reply, execution, replay }: Decided): AuditEntry[] {
  const { audit, command, key } = envelope;
  if (audit === null || command.type !== "cancel") return [];
  return [entryOfCancel(audit, key, command, { reply, execution, isReplay: replay !== null })];
}

function replayOf({ envelope, replay }: Decided, lastSequences: ReadonlyMap<string, number>): Replay | null {
  if (replay === null || envelope.idempotency === null) return null;
  const own = lastSequences.get(commandKeyOf(envelope.key, envelope.idempotency));
  return { ...replay, lastSequence: replay.lastSequence ?? own ?? 0 };
}
