/**
 * Checks the chain of the audit log, from what the contract says of it (AuditEvent) and from nothing else: a second opinion on the server
 * that keeps the log, which shares no code with it.
 */
import { createHash } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { AuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { wordOf } from "./words.ts";

/** An event of the log, as one notes it down elsewhere. */
export interface LogMark {
  readonly number: bigint;
  readonly hash: string;
}

export type ChainVerdict =
  | {
      readonly fits: true;
      readonly events: number;
      /** The number of the first event that is there; null if there is none. Above 1, what was before has been removed. */
      readonly first: bigint | null;
      /** The last event; null if there is none. */
      readonly head: LogMark | null;
    }
  | {
      readonly fits: false;
      /** Where it does not fit. */
      readonly number: bigint;
      readonly fault: string;
    };

/**
 * Reads all events, the oldest first, and says whether each one is unchanged and follows the one before.
 *
 * @param expected an event that was there once; null: none is known
 */
export async function checkChain(
  events: AsyncIterable<AuditEvent> | Iterable<AuditEvent>,
  expected: LogMark | null,
): Promise<ChainVerdict> {
  let count = 0;
  let first: AuditEvent | null = null;
  let last: AuditEvent | null = null;
  for await (const event of events) {
    const fault = faultOf(event, last) ?? unexpectedIn(event, first, expected);
    if (fault !== null) return { fits: false, ...fault };
    first ??= event;
    last = event;
    count += 1;
  }
  if (expected !== null && (last === null || last.number < expected.number)) {
    const end = last === null ? "the log is empty" : `the log ends with event ${last.number}`;
    return { fits: false, number: expected.number, fault: `it was there once and is not there any more: ${end}` };
  }
  return { fits: true, events: count, first: first?.number ?? null, head: last };
}

/**
 * What does not fit between the first event of a log and what the log says of its beginning; null: it fits.
 *
 * @param removed as the log says it now: later than when the first event was read, so that more may have been removed since
 */
export function beginningFault(first: AuditEvent, removed: LogMark | null): Fault | null {
  const { number } = first;
  if (number === 1n) return null;
  if (removed === null || removed.number < number - 1n) {
    const last =
      removed === null ? "nothing says that any event was" : `the log says that event ${removed.number} was the last`;
    return { number, fault: `what was before it is not there, and was not removed because of its age: ${last}` };
  }
  const isOther = removed.number === number - 1n && removed.hash !== first.previousHash;
  return isOther
    ? { number, fault: `it does not follow event ${removed.number}, which was removed because of its age` }
    : null;
}

export interface Fault {
  readonly number: bigint;
  readonly fault: string;
}

/** What does not fit in `event` itself, or between it and the one before. */
function faultOf(event: AuditEvent, before: AuditEvent | null): Fault | null {
  const { number, hash, previousHash } = event;
  const fault = (text: string): Fault => ({ number, fault: text });
  if (before !== null && number !== before.number + 1n) {
    return fault(`there is a gap: it stands after event ${before.number}, and none may be between them`);
  }
  if (hash !== hashOf(event)) return fault("its hash is not that of its content: the one or the other was changed");
  const previous = before === null ? (number === 1n ? "" : previousHash) : before.hash;
  if (previousHash === previous) return null;
  return fault(
    before === null
      ? "it is the first and has a previous hash"
      : `its previous hash is not the hash of event ${before.number}: that one was changed, or put in its place`,
  );
}

/** What shows that the log is not the one in which `expected` was. */
function unexpectedIn(event: AuditEvent, first: AuditEvent | null, expected: LogMark | null): Fault | null {
  if (expected === null) return null;
  const { number } = expected;
  const other = { number, fault: "its hash is not the expected one: the log was written anew" };
  if (event.number === number) return event.hash === expected.hash ? null : other;
  if (first !== null || event.number < number) return null;
  // What was removed from the beginning can still be compared if it is the event right before.
  if (event.number === number + 1n) return event.previousHash === expected.hash ? null : other;
  return { number, fault: `it can't be compared any more: the log begins with event ${event.number}` };
}

/** The hash of an event as the contract defines it. `JSON.stringify` escapes what JSON demands, and nothing else. */
export function hashOf(event: AuditEvent): string {
  const { execution, time } = event;
  const members = [
    event.previousHash,
    Number(event.number),
    time === undefined ? null : timestampMs(time),
    event.action,
    event.principal,
    event.name,
    event.address,
    event.requestedBy,
    execution === undefined ? "" : wordOf(Kind, execution.kind),
    execution?.id ?? "",
    event.reason,
    event.outcome,
    event.message,
    event.cancellationId,
    event.requestId,
    Number(event.count),
  ];
  return createHash("sha256").update(JSON.stringify(members), "utf8").digest("hex");
}
