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

/** What a batch needs from the database. Keys are made by `keyOf` and `commandKeyOf`. */
export interface Loaded {
  readonly executions: ReadonlyMap<string, Execution>;
  /** The executions that have live children, of those whose commands ask for it (see `asksForChildren`). */
  readonly withLiveChildren: ReadonlySet<string>;
  readonly commands: ReadonlyMap<string, KnownCommand>;
}

/** What one command came to, before it is written. */
export interface Decided {
  readonly envelope: Envelope;
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

/** Decides the commands in order, each on what the one before left. */
export function decideBatch(envelopes: readonly Envelope[], loaded: Loaded, now: Millis): DecidedBatch {
  const current = new Map(loaded.executions);
  const commands = new Map(loaded.commands);
  const changed = new Map<string, { before: Execution | null; after: Execution }>();
  const decided: Decided[] = [];
  for (const envelope of envelopes) {
    const id = keyOf(envelope.key);
    const execution = current.get(id) ?? null;
    const commandId = envelope.idempotency === null ? null : commandKeyOf(envelope.key, envelope.idempotency);
    const known = commandId === null ? undefined : commands.get(commandId);
    if (known !== undefined) {
      decided.push(repeat(envelope, known));
      continue;
    }
    const parentKey = parentKeyOf(envelope);
    const facts: Facts = {
      hasLiveChildren: loaded.withLiveChildren.has(id),
      parent: parentKey === null ? null : (current.get(keyOf(parentKey)) ?? null),
    };
    const decision = decide(envelope.key, execution, envelope.command, now, facts);
    const after = decision.execution;
    if (after !== null && after !== execution) {
      current.set(id, after);
      changed.set(id, { before: loaded.executions.get(id) ?? null, after });
    }
    const next: Decided = { ...decision, envelope, replay: null, keep: keepOf(envelope, decision.reply) };
    decided.push(next);
    if (commandId !== null && next.keep !== null && after !== null) {
      commands.set(commandId, {
        fingerprint: next.keep.idempotency.fingerprint,
        disposition: next.keep.disposition,
        execution: after,
        replay: { answered: next.keep.answered, lastSequence: null, flagRaised: false },
      });
    }
  }
  return { decided, changed };
}

/** Refusals are not kept: nothing was done, and the same request may be right later. */
function keepOf(envelope: Envelope, reply: Reply): Decided["keep"] {
  if (envelope.idempotency === null || !reply.accepted) return null;
  const { disposition } = reply;
  const isOver = disposition === "already_cancelled" || disposition === "already_finished";
  const answered = isOver || KIND_RULES[envelope.key.kind].answers === "durable";
  return { idempotency: envelope.idempotency, disposition, answered };
}

function repeat(envelope: Envelope, known: KnownCommand): Decided {
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
    reply,
    execution: known.execution,
    events: [],
    effects: [],
    replay: same ? known.replay : null,
    keep: null,
  };
}
