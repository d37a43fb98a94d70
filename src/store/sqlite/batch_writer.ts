/** Applies a batch of commands to SQLite: one synchronous transaction, one fsync. */
import type { Database, Transaction } from "better-sqlite3";
import { type Execution, type ExecutionKey, keyOf } from "../../domain/execution.ts";
import type { Millis } from "../../domain/time.ts";
import { entryOfCancel } from "../audit_entry.ts";
import {
  answersWaiting,
  asksForChildren,
  commandKeyOf,
  type Decided,
  decideBatch,
  type KnownCommand,
  type Loaded,
  mintingKeyOf,
  parentKeyOf,
} from "../batch.ts";
import { fixedColumnsOf, mutableColumnsOf } from "../rows.ts";
import type { Applied, Envelope, Replay, StoredEffect, StoredEvent } from "../store.ts";
import type { AuditWriter } from "./audit_writer.ts";
import type { EffectColumns, EventColumns, Statements } from "./statements.ts";
import { unavailableOf } from "./unavailable.ts";

export class BatchWriter {
  readonly #statements: Statements;
  readonly #audit: AuditWriter;
  readonly #effectClaim: Millis;
  readonly #transaction: Transaction<(envelopes: readonly Envelope[], now: Millis) => Applied[]>;
  /** Row numbers by `keyOf`, for the batch under way. */
  readonly #rids = new Map<string, number>();
  /** The last events of the answers to commands with an id, by `commandKeyOf`, for the batch under way. */
  readonly #lastSequences = new Map<string, number>();

  /** @param effectClaim how long the effects that it hands out are not to be claimed by anybody else */
  constructor(database: Database, statements: Statements, audit: AuditWriter, effectClaim: Millis) {
    this.#effectClaim = effectClaim;
    this.#statements = statements;
    this.#audit = audit;
    this.#transaction = database.transaction((envelopes, now) => this.#apply(envelopes, now));
  }

  apply(envelopes: readonly Envelope[], now: Millis): readonly Applied[] {
    try {
      return this.#transaction.immediate(envelopes, now);
    } catch (error) {
      this.#audit.forget();
      throw unavailableOf(error) ?? error;
    } finally {
      this.#rids.clear();
      this.#lastSequences.clear();
    }
  }

  #apply(envelopes: readonly Envelope[], now: Millis): Applied[] {
    const batch = decideBatch(envelopes, this.#load(envelopes), now);
    for (const [id, { before, after }] of batch.changed) this.#write(id, before, after);
    const events = this.#insertEvents(batch.decided);
    const effects = this.#insertEffects(batch.decided, now);
    return batch.decided.map((decided, index) => this.#record(decided, events[index] ?? [], effects[index] ?? [], now));
  }

  #load(envelopes: readonly Envelope[]): Loaded {
    const executions = new Map<string, Execution>();
    const withLiveChildren = new Set<string>();
    const commands = new Map<string, KnownCommand>();
    const minted = new Map<string, ExecutionKey>();
    for (const asked of envelopes) {
      const earlier = this.#loadMinted(asked, minted);
      const envelope = earlier === null ? asked : { ...asked, key: earlier };
      const id = keyOf(envelope.key);
      this.#loadExecution(id, envelope.key, executions);
      const parentKey = parentKeyOf(envelope);
      if (parentKey !== null) this.#loadExecution(keyOf(parentKey), parentKey, executions);
      const rid = this.#rids.get(id);
      if (rid === undefined) continue;
      if (asksForChildren(envelope) && this.#statements.findLiveChild.get({ rid }) !== undefined) {
        withLiveChildren.add(id);
      }
      this.#loadCommand(envelope, rid, commands);
    }
    return { executions, withLiveChildren, commands, minted };
  }

  /** The execution that the same command registered before, if its id was minted. */
  #loadMinted(envelope: Envelope, into: Map<string, ExecutionKey>): ExecutionKey | null {
    const { key, idempotency } = envelope;
    const mintingKey = mintingKeyOf(envelope);
    if (mintingKey === null || idempotency === null) return null;
    const { principal, method, commandId } = idempotency;
    const row = this.#statements.findMinted.get({ tenant: key.tenant, principal, method, command_id: commandId });
    if (row !== undefined) into.set(mintingKey, row);
    return row ?? null;
  }

  #loadExecution(id: string, key: ExecutionKey, into: Map<string, Execution>): void {
    if (into.has(id)) return;
    const found = this.#statements.findExecution(key);
    if (found === null) return;
    this.#rids.set(id, found.rid);
    into.set(id, found.execution);
  }

  #loadCommand(envelope: Envelope, rid: number, into: Map<string, KnownCommand>): void {
    if (envelope.idempotency === null) return;
    const { principal, method, commandId } = envelope.idempotency;
    const row = this.#statements.findCommand.get({ execution_rid: rid, principal, method, command_id: commandId });
    if (row === undefined) return;
    const execution: Execution = JSON.parse(row.execution_json);
    into.set(commandKeyOf(envelope.key, envelope.idempotency), {
      fingerprint: row.fingerprint,
      disposition: row.disposition,
      execution,
      replay: {
        answered: row.answered === 1,
        since: row.created_at,
        lastSequence: row.last_sequence,
        flagRaised: row.flag_raised === 1,
      },
    });
  }

  #write(id: string, before: Execution | null, after: Execution): void {
    if (before === null) {
      this.#insert(id, after);
      return;
    }
    const rid = this.#ridOf(id, after.key);
    this.#statements.updateExecution(rid, before, after);
    for (const [position, { state }] of after.queueItems.entries()) {
      if (before.queueItems[position]?.state !== state) this.#statements.updateQueueItem.run({ rid, position, state });
    }
    const job = after.cancellation?.listenerJob ?? null;
    if (job === (before.cancellation?.listenerJob ?? null)) return;
    if (job === null || job.state === "incident") {
      this.#statements.deleteListenerJob.run({ rid });
    } else {
      const { tenant } = after.key;
      this.#statements.putListenerJob.run({ rid, tenant, type: job.type, available_at: job.availableAt });
    }
  }

  #insert(id: string, execution: Execution): void {
    const { key, spec, queueItems } = execution;
    const parentKey = spec.parent === null ? null : { tenant: key.tenant, ...spec.parent };
    const parentRid = parentKey === null ? null : this.#ridOf(keyOf(parentKey), parentKey);
    const rid = this.#statements.insertExecution.run({
      ...fixedColumnsOf(execution, parentRid),
      ...mutableColumnsOf(execution),
    });
    this.#rids.set(id, rid);
    for (const [name, value] of Object.entries(spec.labels)) this.#statements.insertLabel.run({ rid, name, value });
    for (const [position, { id, state }] of queueItems.entries()) {
      this.#statements.insertQueueItem.run({ rid, position, id, state });
    }
  }

  /** A list a command. */
  #insertEvents(all: readonly Decided[]): StoredEvent[][] {
    const rows = all.flatMap(({ id, envelope, events }) =>
      events.map(({ type, at, cancellationId, attributes }): EventColumns => {
        const rid = this.#ridOf(id, envelope.key);
        return { rid, cancellation_id: cancellationId, type, at, attributes_json: JSON.stringify(attributes) };
      }),
    );
    let sequence = this.#statements.insertEvents(rows);
    return all.map(({ envelope: { key }, events }) =>
      events.map((event): StoredEvent => ({ ...event, sequence: sequence++, key })),
    );
  }

  /** A list a command. Those that are due are handed out with the answer. */
  #insertEffects(all: readonly Decided[], now: Millis): StoredEffect[][] {
    const rows = all.flatMap(({ id, envelope, effects }) =>
      effects.map((effect): EffectColumns => {
        const rid = this.#ridOf(id, envelope.key);
        const isDue = effect.dueAt <= now;
        const due_at = isDue ? now + this.#effectClaim : effect.dueAt;
        return { rid, due_at, claimed: isDue ? 1 : 0, effect_json: JSON.stringify(effect) };
      }),
    );
    let number = this.#statements.insertEffects(rows);
    return all.map(({ envelope: { key }, effects }) =>
      effects.map((effect): StoredEffect => ({ id: number++, key, effect, attempts: 0 })),
    );
  }

  #record(decided: Decided, events: readonly StoredEvent[], effects: readonly StoredEffect[], now: Millis): Applied {
    const { envelope, reply, execution, keep } = decided;
    if (envelope.effectId !== null) this.#statements.deleteEffect.run({ id: envelope.effectId });
    this.#writeAudit(decided, now);
    const rid = this.#rids.get(decided.id);
    let upToSequence: number | null = null;
    if (keep !== null && rid !== undefined && execution !== null) {
      const { principal, method, commandId, fingerprint, isMinting } = keep.idempotency;
      const lastSequence = events.at(-1)?.sequence ?? this.#statements.findLastSequence.get({})?.sequence ?? 0;
      upToSequence = lastSequence;
      this.#lastSequences.set(commandKeyOf(envelope.key, keep.idempotency), lastSequence);
      this.#statements.insertCommand.run({
        execution_rid: rid,
        principal,
        method,
        command_id: commandId,
        fingerprint,
        disposition: keep.disposition,
        answered: Number(keep.answered),
        execution_json: JSON.stringify(execution),
        last_sequence: lastSequence,
        minted_in: isMinting === true ? envelope.key.tenant : null,
        created_at: now,
      });
    }
    if (rid !== undefined && answersWaiting(decided)) {
      const last_sequence = events.at(-1)?.sequence ?? 0;
      this.#statements.answerWaiting.run({ rid, execution_json: JSON.stringify(execution), last_sequence });
    }
    return { reply, execution, events, effects, replay: this.#replayOf(decided), upToSequence };
  }

  #writeAudit({ envelope, reply, execution, replay }: Decided, now: Millis): void {
    const { audit, command, key } = envelope;
    if (audit === null || command.type !== "cancel") return;
    this.#audit.append(entryOfCancel(audit, key, command, { reply, execution, isReplay: replay !== null }), now);
  }

  #replayOf({ envelope, replay }: Decided): Replay | null {
    if (replay === null || envelope.idempotency === null) return null;
    const own = this.#lastSequences.get(commandKeyOf(envelope.key, envelope.idempotency));
    return { ...replay, lastSequence: replay.lastSequence ?? own ?? 0 };
  }

  #ridOf(id: string, key: ExecutionKey): number {
    const rid = this.#rids.get(id);
    if (rid === undefined) throw new Error(`no row of ${key.kind} ${key.id} was loaded`);
    return rid;
  }
}
