/** Notices between replicas, through PostgreSQL's NOTIFY: they hasten what would be found by looking, and may get lost. */
import { type Kysely, sql } from "kysely";
import { type ExecutionKey, KINDS, keyOf } from "../../domain/execution.ts";
import type { Decided } from "../batch.ts";
import type { Change, Notice, SentNotice } from "../notices.ts";
import type { Schema } from "../schema.ts";
import type { StoredEvent } from "../store.ts";

export const CHANNEL = "belay";

/** PostgreSQL takes less than 8,000 bytes. */
const MAX_PAYLOAD = 7_900;

/** Tells of the events of a batch. Sent with its commit, and not at all if it is rolled back. */
export async function notifyChanges(
  db: Kysely<Schema>,
  sender: string,
  decided: readonly Decided[],
  events: readonly (readonly StoredEvent[])[],
): Promise<void> {
  const changes = new Map<string, Change>();
  for (const [index, { envelope }] of decided.entries()) {
    const first = events[index]?.[0];
    const name = keyOf(envelope.key);
    if (first !== undefined && !changes.has(name)) changes.set(name, { key: envelope.key, from: first.sequence });
  }
  if (changes.size > 0) await send(db, chunksOf(sender, [...changes.values()]));
}

export async function sendNotice(db: Kysely<Schema>, sender: string, notice: SentNotice): Promise<void> {
  await send(db, [encode(sender, notice)]);
}

async function send(db: Kysely<Schema>, payloads: readonly string[]): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, payload) from unnest(${payloads}::text[]) as notice(payload)`.execute(db);
}

/** What a payload says; null for what another replica sent to itself, or no Belay has sent. */
export function noticeOf(payload: string, self: string): Notice | null {
  const [sender, kind, ...rest] = parse(payload);
  if (sender === self) return null;
  if (kind === "keys") return { type: "keys" };
  if (kind === "changes") return { type: "changes", changes: rest.flatMap(changeOf) };
  if (kind !== "order") return null;
  const [key, workerId, effectId] = rest;
  const execution = executionKeyOf(key);
  if (execution === null || typeof workerId !== "string" || typeof effectId !== "number") return null;
  return { type: "order", workerId, key: execution, effectId };
}

function encode(sender: string, notice: SentNotice | Extract<Notice, { type: "changes" }>): string {
  switch (notice.type) {
    case "changes":
      return JSON.stringify([sender, "changes", ...notice.changes.map(({ key, from }) => [tripleOf(key), from])]);
    case "order":
      return JSON.stringify([sender, "order", tripleOf(notice.key), notice.workerId, notice.effectId]);
    case "keys":
      return JSON.stringify([sender, "keys"]);
  }
}

/** As few payloads as hold all changes. */
function chunksOf(sender: string, changes: readonly Change[]): string[] {
  const whole = encode(sender, { type: "changes", changes });
  if (changes.length <= 1 || Buffer.byteLength(whole) <= MAX_PAYLOAD) return [whole];
  const middle = Math.ceil(changes.length / 2);
  return [...chunksOf(sender, changes.slice(0, middle)), ...chunksOf(sender, changes.slice(middle))];
}

function tripleOf({ tenant, kind, id }: ExecutionKey): readonly string[] {
  return [tenant, kind, id];
}

function changeOf(json: unknown): Change[] {
  if (!Array.isArray(json)) return [];
  const [triple, from]: unknown[] = json;
  const key = executionKeyOf(triple);
  return key === null || typeof from !== "number" ? [] : [{ key, from }];
}

function executionKeyOf(json: unknown): ExecutionKey | null {
  if (!Array.isArray(json)) return null;
  const [tenant, name, id]: unknown[] = json;
  const kind = KINDS.find((known) => known === name);
  return typeof tenant === "string" && typeof id === "string" && kind !== undefined ? { tenant, kind, id } : null;
}

function parse(payload: string): unknown[] {
  try {
    const json: unknown = JSON.parse(payload);
    return Array.isArray(json) ? json : [];
  } catch {
    // Whoever may connect to the database may notify: what can't be read is nobody's notice.
    return [];
  }
}
