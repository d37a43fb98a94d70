/** The audit log: who asked for what, and what came of it. Each event carries the hash of the one before. */
import { hash } from "node:crypto";
import type { ExecutionRef } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";

/** Who asks, through which call. */
export interface AuditCall {
  /** For example "CancelProcess". */
  readonly action: string;
  /** Empty: somebody who was not recognised. */
  readonly principal: string;
  /** The principal, for people. */
  readonly name: string;
  readonly address: string;
  readonly requestId: string;
}

/** What is to be written down. */
export interface AuditEntry extends AuditCall {
  readonly tenant: string;
  /** On whose behalf, as canonical JSON; empty if the caller did not say. */
  readonly requestedBy: string;
  readonly execution: ExecutionRef | null;
  readonly reason: string;
  /** The disposition of an accepted command, or the reason of the refusal in upper case. */
  readonly outcome: string;
  /** The refusal in words; empty if it was accepted. */
  readonly message: string;
  /** Empty: none. */
  readonly cancellationId: string;
  /** How many calls it stands for. */
  readonly count: number;
}

/** The end of a tenant's log so far. */
export interface AuditHead {
  readonly number: number;
  readonly hash: string;
}

export interface AuditEvent extends AuditEntry {
  /** Its place in the log of the tenant, from 1, without gaps. */
  readonly number: number;
  readonly at: Millis;
  readonly previousHash: string;
  readonly hash: string;
}

/** What a log without events ends with. */
export const EMPTY_LOG: AuditHead = { number: 0, hash: "" };

/** The entry as the event after `head`. The contract (AuditEvent) says what the hash is made of, so that anybody can check it. */
export function chain(asked: AuditEntry, head: AuditHead, at: Millis): AuditEvent {
  const number = head.number + 1;
  const previousHash = head.hash;
  const text = textOf(asked, previousHash, number, at);
  if (isKeepable(text)) return { ...asked, number, at, previousHash, hash: hash("sha256", text) };
  const entry = keepable(asked);
  return { ...entry, number, at, previousHash, hash: hash("sha256", textOf(entry, previousHash, number, at)) };
}

function textOf(entry: AuditEntry, previousHash: string, number: number, at: Millis): string {
  return JSON.stringify([
    previousHash,
    number,
    at,
    entry.action,
    entry.principal,
    entry.name,
    entry.address,
    entry.requestedBy,
    entry.execution?.kind ?? "",
    entry.execution?.id ?? "",
    entry.reason,
    entry.outcome,
    entry.message,
    entry.cancellationId,
    entry.requestId,
    entry.count,
  ]);
}

/** True of nearly every entry. JSON writes half characters and U+0000 as escapes, so that a text without any is kept as it is. */
function isKeepable(text: string): boolean {
  return !text.includes("\\u");
}

/**
 * What every database keeps as it is: a refused request may hold anything, a text that was cut may end with half a character, and
 * PostgreSQL has no U+0000 in texts. Both become U+FFFD, and the hash is made of that.
 */
function keepable(entry: AuditEntry): AuditEntry {
  const { execution } = entry;
  return {
    ...entry,
    action: keepableText(entry.action),
    principal: keepableText(entry.principal),
    name: keepableText(entry.name),
    address: keepableText(entry.address),
    requestedBy: keepableText(entry.requestedBy),
    execution: execution === null ? null : { ...execution, id: keepableText(execution.id) },
    reason: keepableText(entry.reason),
    outcome: keepableText(entry.outcome),
    message: keepableText(entry.message),
    cancellationId: keepableText(entry.cancellationId),
    requestId: keepableText(entry.requestId),
  };
}

function keepableText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd");
}

export interface AuditFilter {
  readonly execution: ExecutionRef | null;
  /** Empty: all. */
  readonly principal: string;
  readonly from: Millis | null;
  readonly to: Millis | null;
  readonly refusedOnly: boolean;
}

/** Where a log begins since retention removed what was before. */
export interface AuditAnchor extends AuditHead {
  /** When it was removed last. */
  readonly removedAt: Millis;
}

export interface AuditPage {
  readonly events: readonly AuditEvent[];
  /** The last number that was looked at. */
  readonly lastNumber: number;
  /** Whether the log goes on after it. */
  readonly hasMore: boolean;
  /** The last event that retention has removed; null: none. */
  readonly removed: AuditAnchor | null;
}

export interface AuditLog {
  /** Writes entries that no command carries: refusals that came before the store. Resolves once they are durable. */
  append(entries: readonly AuditEntry[], now: Millis): Promise<void>;
  /** Oldest first, from the event after `afterNumber`. Looks at a bounded number of events. */
  list(tenant: string, filter: AuditFilter, afterNumber: number, limit: number): Promise<AuditPage>;
}
