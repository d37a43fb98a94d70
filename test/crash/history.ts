/**
 * A checker of histories: were the calls on one execution, as their callers saw them, and the events that the store has of it, the work
 * of one `decide` after another, in an order that respects real time? It looks for such an order, as checkers of linearizability do.
 */
import { isDeepStrictEqual } from "node:util";
import type { Command } from "../../src/domain/command.ts";
import { decide } from "../../src/domain/decide.ts";
import type { Decision, Disposition } from "../../src/domain/decision.ts";
import type { Event } from "../../src/domain/event.ts";
import type { Execution, ExecutionKey } from "../../src/domain/execution.ts";
import type { RefusalReason } from "../../src/domain/refusal.ts";
import { type Signal, signalFor } from "../../src/domain/signal.ts";
import type { Millis } from "../../src/domain/time.ts";

/** What a client asked for. The id of a new cancellation is minted by the server, so that of a cancel command does not matter. */
export type Asked = Command | { readonly type: "get" };

/** What a client was told. */
export type Answer =
  /** The execution as it stood right after the command. */
  | { readonly type: "accepted"; readonly execution: Execution; readonly disposition?: Disposition }
  | { readonly type: "refused"; readonly reason: RefusalReason }
  /** To a heartbeat. */
  | { readonly type: "signal"; readonly signal: Signal };

export interface Call {
  /** For people. */
  readonly client: string;
  readonly asked: Asked;
  /** Calls with the same id are one command, repeated. */
  readonly commandId?: string;
  /** When the call was sent, and when its answer came: Infinity if none did. */
  readonly invoked: Millis;
  readonly returned: Millis;
  /** Null: nobody knows whether it was carried out. */
  readonly answer: Answer | null;
}

export interface History {
  readonly key: ExecutionKey;
  readonly calls: readonly Call[];
  /** All events of the execution, in the order of the store. */
  readonly events: readonly Event[];
  /** The execution as it stands at the end; null if it was never registered. */
  readonly final: Execution | null;
}

export type Verdict =
  /** The order that explains it, a line a step. */
  | { readonly explained: true; readonly order: readonly string[] }
  /** The longest order that was found, and what the next event would have been. */
  | { readonly explained: false; readonly order: readonly string[]; readonly stuckAt: string };

/** The clocks of the callers and of the store may be read a little apart, and are rounded. */
const TOLERANCE: Millis = 3;

const NO_FACTS = { hasLiveChildren: false, parent: null };

/** A place in the search: what is explained so far, and what that comes to. */
interface Place {
  readonly done: ReadonlySet<number>;
  /** How many events are explained. */
  readonly events: number;
  readonly execution: Execution | null;
  readonly now: Millis;
  readonly answers: ReadonlyMap<string, Known>;
  readonly order: readonly string[];
}

/** A command with an id that was carried out. */
interface Known {
  readonly execution: Execution;
  readonly disposition: Disposition;
}

export function explain(history: History): Verdict {
  const seen = new Set<string>();
  let furthest: Place = {
    done: new Set(),
    events: 0,
    execution: null,
    now: Number.NEGATIVE_INFINITY,
    answers: new Map(),
    order: [],
  };
  const waiting: Place[] = [furthest];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const name = nameOf(place);
    if (seen.has(name)) continue;
    seen.add(name);
    if (isWhole(history, place)) return { explained: true, order: place.order };
    if (place.order.length > furthest.order.length) furthest = place;
    // The last one is looked at first: what a client saw goes before what the server did by itself.
    waiting.push(...internalSteps(history, place), ...clientSteps(history, place));
  }
  const next = history.events[furthest.events];
  return { explained: false, order: furthest.order, stuckAt: next === undefined ? "the end" : JSON.stringify(next) };
}

function nameOf({ done, events, execution }: Place): string {
  return `${[...done].sort((a, b) => a - b).join()}|${events}|${JSON.stringify(execution)}`;
}

function isWhole({ calls, events, final }: History, place: Place): boolean {
  return (
    place.events === events.length &&
    calls.every(({ answer }, index) => answer === null || place.done.has(index)) &&
    isSame(place.execution, final)
  );
}

/** Only what has no place in the events may differ: how far heartbeats without an event have extended the lease. */
function isSame(left: Execution | null, right: Execution | null): boolean {
  return isDeepStrictEqual(withoutExpiry(left), withoutExpiry(right));
}

function withoutExpiry(execution: Execution | null): unknown {
  if (execution === null || execution.lease === null) return execution;
  return { ...execution, lease: { ...execution.lease, expiresAt: 0 } };
}

/** The calls that may have been carried out next: those that no other call, still to come in the order, had ended before. */
function clientSteps(history: History, place: Place): Place[] {
  const { calls } = history;
  const left = calls.flatMap((call, index) => (place.done.has(index) ? [] : [{ call, index }]));
  const earliestReturn = Math.min(...left.map(({ call }) => (call.answer === null ? Infinity : call.returned)));
  return left.flatMap(({ call, index }): Place[] => {
    if (call.invoked > earliestReturn || place.now > call.returned + TOLERANCE) return [];
    const next = take(history, place, call);
    return next === null ? [] : [{ ...next, done: new Set(place.done).add(index) }];
  });
}

function take(history: History, place: Place, call: Call): Place | null {
  const { asked, commandId, answer } = call;
  if (asked.type === "get") return read(history, place, call);
  const known = commandId === undefined ? undefined : place.answers.get(commandId);
  if (known !== undefined) {
    const fits = answer === null || isAnswer(answer, known.execution, known);
    return fits ? quiet(history, place, call, place.execution) : null;
  }
  const next = history.events[place.events];
  const command = asked.type === "cancel" ? { ...asked, cancellationId: next?.cancellationId ?? "" } : asked;
  // Without an event it happened at a time that nobody knows; the earliest allows for most.
  const eventful = next === undefined ? null : decide(history.key, place.execution, command, next.at, NO_FACTS);
  const decision =
    eventful !== null && eventful.events.length > 0
      ? eventful
      : decide(history.key, place.execution, command, earliestTime(place, call), NO_FACTS);
  if (answer !== null && !isAnswerOf(answer, decision, command)) return null;
  const after =
    decision.events.length === 0
      ? quiet(history, place, call, decision.execution)
      : matchEvents(history, place, decision, `${call.client}: ${asked.type}`);
  if (after === null || (decision.events.length > 0 && !isWithin(call, after.now))) return null;
  const { reply, execution } = decision;
  if (commandId === undefined || !reply.accepted || execution === null) return after;
  return { ...after, answers: new Map(after.answers).set(commandId, { execution, disposition: reply.disposition }) };
}

function read(history: History, place: Place, call: Call): Place | null {
  const { answer } = call;
  const isRight =
    answer === null ||
    (answer.type === "refused" && place.execution === null) ||
    (answer.type === "accepted" && isSame(answer.execution, place.execution));
  return isRight ? quiet(history, place, call, place.execution) : null;
}

/** A step without events: between the event before and the one after it. */
function quiet({ events }: History, place: Place, call: Call, execution: Execution | null): Place | null {
  const next = events[place.events];
  // A command waits for the one whose events these are. Reads do not, nor do commands that find nothing to wait for: they see what was
  // before until those are committed.
  const waits = call.asked.type !== "get" && place.execution !== null;
  if (waits && next !== undefined && next.at < call.invoked - TOLERANCE) return null;
  const order = [...place.order, `${call.client}: ${call.asked.type} (no event)`];
  const now = waits ? earliestTime(place, call) : place.now;
  return { ...place, execution, now, order };
}

function earliestTime(place: Place, call: Call): Millis {
  return Math.max(place.now, call.invoked - TOLERANCE);
}

function isWithin({ invoked, returned }: Call, at: Millis): boolean {
  return at >= invoked - TOLERANCE && at <= returned + TOLERANCE;
}

function matchEvents({ events }: History, place: Place, decision: Decision, line: string): Place | null {
  const found = events.slice(place.events, place.events + decision.events.length);
  if (!isDeepStrictEqual(found.map(eventOf), decision.events.map(eventOf))) return null;
  const now = decision.events[0]?.at ?? place.now;
  if (now < place.now - TOLERANCE) return null;
  const order = [...place.order, `${line} → ${found.map(({ type }) => type).join(", ")}`];
  return { ...place, execution: decision.execution, events: place.events + found.length, now, order };
}

/** Without its place in the store. */
function eventOf({ type, at, cancellationId, attributes }: Event): Event {
  return { type, at, cancellationId, attributes };
}

function isAnswerOf(answer: Answer, { reply, execution }: Decision, command: Command): boolean {
  if (answer.type === "signal") {
    return command.type === "heartbeat" && answer.signal === signalFor(execution, command.token);
  }
  if (answer.type === "refused") return !reply.accepted && reply.refusal.reason === answer.reason;
  return reply.accepted && execution !== null && isAnswer(answer, execution, reply);
}

function isAnswer(answer: Answer, execution: Execution, { disposition }: Pick<Known, "disposition">): boolean {
  return (
    answer.type === "accepted" &&
    (answer.disposition === undefined || answer.disposition === disposition) &&
    isSame(answer.execution, execution)
  );
}

/** What the server may have done by itself: timers, orders that arrived, the engine's word. Only what the next event tells of. */
function internalSteps(history: History, place: Place): Place[] {
  const next = history.events[place.events];
  if (next === undefined || place.execution === null) return [];
  return commandsBehind(next, place.execution).flatMap((command): Place[] => {
    const decision = decide(history.key, place.execution, command, next.at, NO_FACTS);
    if (decision.events.length === 0) return [];
    const after = matchEvents(history, place, decision, `server: ${command.type}`);
    return after === null ? [] : [after];
  });
}

function commandsBehind({ type, attributes }: Event, { lease, cancellation }: Execution): Command[] {
  const cancellationId = cancellation?.id ?? "";
  const { message = "", reason = "" } = attributes;
  switch (type) {
    case "lease_expired":
      return lease === null ? [] : [{ type: "lease_due", token: lease.token }];
    case "terminate_requested":
      return [{ type: "force_due", cancellationId }];
    case "stop_delivered":
      return [{ type: "signal_delivered", cancellationId, signal: "stop" }];
    case "terminate_delivered":
      return [{ type: "signal_delivered", cancellationId, signal: "terminate" }];
    case "engine_unreachable":
      return [{ type: "signal_failed", cancellationId, signal: "stop", permanent: false, message }];
    case "overdue":
      return [{ type: "verified", cancellationId, engineStatus: { status: "running", detail: reason } }];
    default:
      return [];
  }
}
