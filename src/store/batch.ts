/** Decides a batch of commands in memory, between loading what they touch and writing what changed. The same over every database. */
import { decide } from "../domain/decide.ts";
import type { Disposition, Facts, Reply } from "../domain/decision.ts";
import type { Effect } from "../domain/effect.ts";
import type { Event } from "../domain/event.ts";
import { type Execution, type ExecutionKey, keyOf } from "../domain/execution.ts";
import { KIND_RULES } from "../domain/kind_rules.ts";
import { refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { Envelope, Idempotency, Replay } from "./store.ts";

/** A command id seen before, with its first answer. */
export interface KnownCommand {
  readonly fingerprint: string;
  readonly disposition: Disposition;
  readonly execution: Execution;
  readonly replay: DecidedReplay;
}

/** A replay whose first answer may come out of the same batch: then its last sequence (null) is known once its events are written. */
type DecidedReplay = Omit<Replay, "lastSequence"> & { readonly lastSequence: number | null };

/** What a batch needs from the database. Keys are made by `keyOf`, `commandKeyOf` and `mintingKeyOf`. */
export interface Loaded {
  readonly executions: ReadonlyMap<string, Execution>;
  /** The executions that have live children, of those whose commands ask for it (see `asksForChildren`). */
  readonly withLiveChildren: ReadonlySet<string>;
  readonly commands: ReadonlyMap<string, KnownCommand>;
  /** The executions that repeated commands registered before, of those whose id is minted (see `mintingKeyOf`). */
  readonly minted: ReadonlyMap<string, ExecutionKey>;
}

/** What one command came to, before it is written. */
export interface Decided {
  readonly envelope: Envelope;
  /** The key of its execution, made by `keyOf`. */
  readonly id: string;
  readonly reply: Reply;
  readonly execution: Execution | null;
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
  readonly replay: DecidedReplay | null;
  /** Set if the answer is to be kept for replays: whether it is complete, or its caller still waits for more. */
  readonly keep: {
    readonly idempotency: Idempotency;
    readonly disposition: Disposition;
    readonly answered: boolean;
  } | null;
}

export interface DecidedBatch {
  readonly decided: readonly Decided[];
  /** Executions that differ from what was loaded, as they stood before (null: new) and stand now. */
  readonly changed: ReadonlyMap<string, { readonly before: Execution | null; readonly after: Execution }>;
}

export function commandKeyOf(key: ExecutionKey, idempotency: Idempotency): string {
  return `${keyOf(key)}\u0000${idempotency.principal}\u0000${idempotency.method}\u0000${idempotency.commandId}`;
}

/** The name of a command that registers an execution under a minted id; null for every other. */
export function mintingKeyOf({ key, idempotency }: Envelope): string | null {
  if (idempotency?.isMinting !== true) return null;
  return `${key.tenant}\u0000${idempotency.principal}\u0000${idempotency.method}\u0000${idempotency.commandId}`;
}

/** The key of the parent that a command names; null if it names none. */
export function parentKeyOf(envelope: Envelope): ExecutionKey | null {
  if (envelope.command.type !== "register" || envelope.command.spec.parent === null) return null;
  return { tenant: envelope.key.tenant, ...envelope.command.spec.parent };
}

/** True if the decision depends on whether the execution has live children. */
export function asksForChildren(envelope: Envelope): boolean {
  const { type } = envelope.command;
  return type === "cancel" || type === "children_due" || type === "children_changed";
}

/** What a batch has come to so far. */
interface Progress {
  readonly current: Map<string, Execution>;
  readonly commands: Map<string, KnownCommand>;
  readonly minted: Map<string, ExecutionKey>;
  readonly changed: Map<string, { before: Execution | null; after: Execution }>;
}

/** Decides the commands in order, each on what the one before left. */
export function decideBatch(envelopes: readonly Envelope[], loaded: Loaded, now: Millis): DecidedBatch {
  const progress: Progress = {
    current: new Map(loaded.executions),
    commands: new Map(loaded.commands),
    minted: new Map(loaded.minted),
    changed: new Map(),
  };
  const decided: Decided[] = [];
  for (const asked of envelopes) {
    const envelope = withMintedId(asked, progress);
    const id = keyOf(envelope.key);
    const known = knownCommandOf(envelope, progress);
    if (known !== undefined) {
      decided.push(repeat(envelope, id, known));
      continue;
    }
    const next = decideNew(envelope, id, progress, loaded, now);
    remember(next, progress, now);
    decided.push(next);
  }
  return { decided, changed: progress.changed };
}

/** The id that was minted for a repeated command is of no use: it is about the execution that the first one registered. */
function withMintedId(envelope: Envelope, { minted }: Progress): Envelope {
  const mintingKey = mintingKeyOf(envelope);
  const earlier = mintingKey === null ? undefined : minted.get(mintingKey);
  return earlier === undefined ? envelope : { ...envelope, key: earlier };
}

function knownCommandOf({ key, idempotency }: Envelope, { commands }: Progress): KnownCommand | undefined {
  return idempotency === null ? undefined : commands.get(commandKeyOf(key, idempotency));
}

function decideNew(
  envelope: Envelope,
  id: string,
  { current, changed }: Progress,
  loaded: Loaded,
  now: Millis,
): Decided {
  const execution = current.get(id) ?? null;
  const parentKey = parentKeyOf(envelope);
  const facts: Facts = {
    hasLiveChildren: loaded.withLiveChildren.has(id),
    parent: parentKey === null ? null : (current.get(keyOf(parentKey)) ?? null),
    heard: envelope.heard,
  };
  const decision = decide(envelope.key, execution, envelope.command, now, facts);
  const after = decision.execution;
  if (after !== null && after !== execution) {
    current.set(id, after);
    changed.set(id, { before: loaded.executions.get(id) ?? null, after });
  }
  const { reply, events, effects } = decision;
  return { envelope, id, reply, execution: after, events, effects, replay: null, keep: keepOf(envelope, reply) };
}

/** The same command may come again in the same batch. */
function remember({ envelope, execution, keep }: Decided, { commands, minted }: Progress, now: Millis): void {
  if (keep === null || execution === null) return;
  const { idempotency, disposition, answered } = keep;
  const mintingKey = mintingKeyOf(envelope);
  if (mintingKey !== null) minted.set(mintingKey, envelope.key);
  commands.set(commandKeyOf(envelope.key, idempotency), {
    fingerprint: idempotency.fingerprint,
    disposition,
    execution,
    replay: { answered, since: now, lastSequence: null, flagRaised: false },
  });
}

/** Refusals are not kept: nothing was done, and the same request may be right later. */
function keepOf(envelope: Envelope, reply: Reply): Decided["keep"] {
  if (envelope.idempotency === null || !reply.accepted) return null;
  const { disposition } = reply;
  const isOver = disposition === "already_cancelled" || disposition === "already_finished";
  const waits = envelope.command.type === "cancel" && KIND_RULES[envelope.key.kind].answers !== "durable";
  const answered = isOver || !waits;
  return { idempotency: envelope.idempotency, disposition, answered };
}

/** True if the command ends a cancellation whose callers wait for just that: what they are answered is kept with it. */
export function answersWaiting({ envelope, events }: Pick<Decided, "envelope" | "events">): boolean {
  return KIND_RULES[envelope.key.kind].answers === "ended" && events.some(({ type }) => type === "cancellation_ended");
}

function repeat(envelope: Envelope, id: string, known: KnownCommand): Decided {
  const same = known.fingerprint === envelope.idempotency?.fingerprint;
  const reply: Reply = same
    ? { accepted: true, disposition: known.disposition }
    : {
        accepted: false,
        refusal: refusal(
          "idempotency_key_reused",
          `command id '${envelope.idempotency?.commandId}' was used before with another request; use a new one`,
          { command_id: envelope.idempotency?.commandId ?? "" },
        ),
      };
  return {
    envelope,
    id,
    reply,
    execution: known.execution,
    events: [],
    effects: [],
    replay: same ? known.replay : null,
    keep: null,
  };
}
