/** Compares what clients and workers were told with the store and with the operating system. Each finding is one line. */
import type { Cancellation as CancellationMessage } from "../../gen/belay/v1/cancellation_pb.ts";
import type { Cancellation } from "../../src/domain/cancellation.ts";
import type { EventType } from "../../src/domain/event.ts";
import { type Execution, isTerminal } from "../../src/domain/execution.ts";
import type { AuditEvent } from "../../src/store/audit.ts";
import type { Store, StoredEvent } from "../../src/store/store.ts";
import { faultsOf } from "../store/audit_verifier.ts";
import { isRunning } from "./live_process.ts";
import type { Told } from "./told.ts";

/** Whose everything is where nobody needs credentials. */
const TENANT = "default";

/** What happens at most once in the life of an execution. */
const ONCE: readonly EventType[] = [
  "registered",
  "cancellation_requested",
  "stop_requested",
  "stop_delivered",
  "terminate_requested",
  "terminate_delivered",
  "stop_confirmed",
  "cancellation_ended",
];

export async function check(store: Store, told: readonly Told[]): Promise<string[]> {
  const audit = await wholeLog(store);
  const findings = faultsOf(audit.map(linkOf)).map((fault) => `audit log: ${fault}`);
  const audited = new Set(audit.map(({ execution, cancellationId }) => `${execution?.id} ${cancellationId}`));
  for (const one of told) {
    const key = { tenant: TENANT, kind: one.kind, id: one.id };
    const filter = { key, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 1_000 };
    const [execution, events] = await Promise.all([store.findExecution(key), store.listEvents(filter)]);
    const found = execution === null ? checkMissing(one) : checkOne(one, execution, events, audited);
    findings.push(...found.map((finding) => `${one.kind} ${one.id}: ${finding}${lifeOf(events)}`));
  }
  return findings;
}

/** What happened to it, for whoever looks for the cause. */
function lifeOf(events: readonly StoredEvent[]): string {
  const begin = events[0]?.at ?? 0;
  return events
    .map(({ type, at, attributes }) => `\n    ${at - begin} ms ${type} ${JSON.stringify(attributes)}`)
    .join("");
}

/** An execution that the store does not know: nobody may have been told that it is there. */
function checkMissing({ pid, cancels }: Told): string[] {
  const isAnswered = cancels.some(({ said }) => said.some(({ type }) => type === "answered"));
  return [
    ...(pid === null ? [] : ["it ran, and is lost"]),
    ...(isAnswered ? ["its cancel was answered, and is lost"] : []),
  ];
}

function checkOne(
  told: Told,
  execution: Execution,
  events: readonly StoredEvent[],
  audited: ReadonlySet<string>,
): string[] {
  return [
    ...checkEvents(events),
    ...told.cancels.flatMap(({ said }) =>
      checkAnswers(said.map((one) => (one.type === "answered" ? one.text : one.reason))),
    ),
    ...answersOf(told).flatMap((answer) => checkAnswer(told, answer, execution, audited)),
    ...checkRefusals(told, execution),
    ...checkEnd(told, execution),
    ...checkProcess(told, execution),
    ...(told.terminations > 1 ? [`terminated ${told.terminations} times`] : []),
    ...(execution.cancellation === null ? [] : checkProgress(execution.cancellation)),
  ];
}

function checkEvents(events: readonly StoredEvent[]): string[] {
  const count = (type: EventType): number => events.filter((event) => event.type === type).length;
  const repeated = ONCE.filter((type) => count(type) > 1).map((type) => `${count(type)} times ${type}`);
  const cancelled = events.filter(
    ({ type, attributes }) => type === "cancellation_ended" && attributes["outcome"] === "cancelled",
  );
  const outcomes = count("completed") + count("failed") + cancelled.length;
  return outcomes > 1 ? [...repeated, `${outcomes} outcomes`] : repeated;
}

/** All answers to one command are the same. */
function checkAnswers(texts: readonly string[]): string[] {
  return new Set(texts).size > 1 ? [`one command was answered differently:\n${texts.join("\n")}`] : [];
}

function answersOf({ cancels }: Told): (CancellationMessage | undefined)[] {
  return cancels.flatMap(({ said }) => said.flatMap((one) => (one.type === "answered" ? [one.cancellation] : [])));
}

function checkAnswer(
  { id }: Told,
  answer: CancellationMessage | undefined,
  { state, cancellation }: Execution,
  audited: ReadonlySet<string>,
): string[] {
  const cancellationId = answer?.id ?? "";
  const entry = audited.has(`${id} ${cancellationId}`) ? [] : [`the audit log has no cancel ${cancellationId}`];
  if (answer === undefined) {
    return state === "completed" || state === "failed"
      ? entry
      : [...entry, `was told to have finished, and is ${state}`];
  }
  if (cancellation === null) return [...entry, `cancellation ${answer.id} was answered, and is lost`];
  return cancellation.id === answer.id ? entry : [...entry, `has cancellation ${cancellation.id}, not ${answer.id}`];
}

/** A refusal says how the execution stands, and that does not change any more; but for one whose registration was still under way. */
function checkRefusals({ cancels, pid, hasDied }: Told, { state, cancellation }: Execution): string[] {
  // Its worker died before it was told anything: what it had asked for may have waited in a replica that stood still.
  const mayComeLater = hasDied && pid === null;
  return cancels.flatMap(({ said }) =>
    said.flatMap((one): string[] => {
      if (one.type === "answered") return [];
      switch (one.reason) {
        case "ALREADY_FINISHED":
          return state === "completed" || state === "failed" ? [] : [`was told to have finished, and is ${state}`];
        case "ALREADY_CANCELLED":
          return state === "cancelled" ? [] : [`was told to be cancelled, and is ${state}`];
        case "NOT_A_ROOT":
          return [];
        case "EXECUTION_NOT_FOUND":
          return mayComeLater ? [] : [`was told not to be there, and is ${state}`];
        default:
          return [`a cancel was refused: ${one.reason} (${state}, ${cancellation?.stage})`];
      }
    }),
  );
}

/** What its worker was told is how it ended. */
function checkEnd({ end }: Told, { state, cancellation }: Execution): string[] {
  if (end === null) return [];
  switch (end.told) {
    case "completed":
      return state === "completed" ? [] : [`its worker was told that it completed, and it is ${state}`];
    case "cancelled":
    case "lease_lost":
      return state === "cancelled" && cancellation?.proof === "confirmed"
        ? []
        : [`its worker was told ${end.told}, and it is ${state} with proof ${cancellation?.proof}`];
    case "not_started":
      return isTerminal(state) || state === "pending" ? [] : [`never started (${end.words}), and is ${state}`];
  }
}

function checkProcess({ pid, hasDied, end }: Told, { state }: Execution): string[] {
  const isLeft = pid !== null && isRunning(pid);
  if (isTerminal(state) && isLeft) return [`is ${state}, and runs as ${pid}`];
  return !hasDied && pid !== null && end === null ? [`is ${state}, and its worker has not heard of it`] : [];
}

function checkProgress({ stage, overdueReason, outcome, proof }: Cancellation): string[] {
  if (stage !== "ended") return overdueReason === null ? [`stuck: its cancellation is ${stage} (${proof})`] : [];
  return outcome === "pending" || proof === "pending" ? [`ended as ${outcome} with proof ${proof}`] : [];
}

async function wholeLog(store: Store): Promise<AuditEvent[]> {
  const everything = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
  const events: AuditEvent[] = [];
  for (let after = 0, hasMore = true; hasMore; ) {
    const page = await store.audit.list(TENANT, everything, after, 1_000);
    events.push(...page.events);
    after = page.lastNumber;
    hasMore = page.hasMore;
  }
  return events;
}

function linkOf({ execution, at, ...rest }: AuditEvent) {
  return { ...rest, time: at, kind: execution?.kind ?? "", executionId: execution?.id ?? "" };
}
