/** Use cases about cancellations: cancel, show, list, resolve. */
import type { Disposition } from "../domain/decision.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import { DEFAULT_FORCE_AFTER, KIND_RULES } from "../domain/kind_rules.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import { nameOf, notFound } from "../domain/refusals.ts";
import type { Millis } from "../domain/time.ts";
import type { CancelledExecution, KeptAnswer, StoredEvent } from "../store/store.ts";
import { raiseFlag } from "./cancellation_flags.ts";
import { type Accepted, type Context, submit } from "./context.ts";
import { mintUuid } from "./ids.ts";
import type { CancelAnswer, CancelRequest, Service } from "./service.ts";
import { type Following, follow } from "./waiting.ts";

/** The "short wait" of workflow runs: long enough for work that obeys at once, short enough for a person at a button. */
const SHORT_WAIT: Millis = 2_000;

/** No timeline is longer in practice; one that is shows its beginning, and a watch shows all of it. */
const MAX_TIMELINE = 1_000;

export function cancellationUseCases(
  context: Context,
): Pick<Service, "cancel" | "getCancellation" | "listCancellations" | "resolveIncident"> {
  return {
    cancel: (request, signal) => cancel(context, request, signal),
    getCancellation: async (tenant, cancellationId) => {
      const found = await findCancellation(context, tenant, cancellationId);
      return { ...found, timeline: await timelineOf(context, found.execution, null) };
    },
    listCancellations: (tenant, filter, page) => context.store.listCancellations(tenant, filter, page),
    resolveIncident: async (tenant, cancellationId, retries, idempotency) => {
      const { execution } = await findCancellation(context, tenant, cancellationId);
      const command = { type: "resolve_incident", cancellationId, retries } as const;
      const resolved = await submit(context, execution.key, command, { idempotency });
      return cancelled(resolved.execution);
    },
  };
}

async function cancel(context: Context, request: CancelRequest, signal: AbortSignal): Promise<CancelAnswer> {
  const { key, workflowId } = request;
  if (workflowId !== null) await checkWorkflow(context, key, workflowId);
  if (KIND_RULES[key.kind].answers === "durable") {
    const accepted = await submitCancel(context, request);
    return (await answerNow(context, accepted)) ?? (await answerDurable(context, accepted));
  }
  const following = follow(context, key);
  try {
    const accepted = await submitCancel(context, request);
    return (await answerNow(context, accepted)) ?? (await answerInTime(context, request, accepted, following, signal));
  } finally {
    following.stop();
  }
}

function submitCancel(context: Context, request: CancelRequest): Promise<Accepted> {
  const { key, strategy, forceAfter, reason, requestedBy, operationReference, idempotency, audit } = request;
  return submit(
    context,
    key,
    {
      type: "cancel",
      cancellationId: mintUuid(),
      strategy: strategy ?? KIND_RULES[key.kind].defaultStrategy,
      forceAfter: forceAfter ?? DEFAULT_FORCE_AFTER,
      reason,
      requestedBy,
      parentCancellationId: null,
      operationReference,
    },
    { idempotency, audit },
  );
}

/** The answer of a command that was answered before, or that came after the end; null if it is neither. */
async function answerNow(context: Context, accepted: Accepted): Promise<CancelAnswer | null> {
  const { reply, execution, replay } = accepted;
  const { disposition } = reply;
  if (replay?.answered) return answerOf(context, disposition, { ...replay, execution });
  const isOver = disposition === "already_cancelled" || disposition === "already_finished";
  return isOver ? answerDurable(context, accepted) : null;
}

async function answerDurable(context: Context, accepted: Accepted): Promise<CancelAnswer> {
  const { reply, execution } = accepted;
  const timeline = await timelineAfter(context, accepted);
  return { disposition: reply.disposition, execution, timeline, flagRaised: false };
}

/** Answers when the cancellation has ended, or has had the kind's short wait to do so. */
function answerInTime(
  context: Context,
  request: CancelRequest,
  accepted: Accepted,
  following: Following,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  return KIND_RULES[request.key.kind].answers === "ended"
    ? answerAtEnd(context, request, accepted, following, signal)
    : answerShortly(context, request, accepted, following, signal);
}

/** The answer to a command with an id is kept in the transaction that ends the cancellation: all who wait get the same. */
async function answerAtEnd(
  context: Context,
  { key, idempotency }: CancelRequest,
  accepted: Accepted,
  following: Following,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  // Then it is the one that was kept.
  if (endedAtOnce(accepted)) return answerDurable(context, accepted);
  const { disposition } = accepted.reply;
  const execution = await waitForEnd(accepted.execution, following, signal);
  const kept = idempotency === null ? null : await context.store.findAnswer(key, idempotency);
  if (kept !== null) return answerOf(context, disposition, kept);
  return { disposition, execution, timeline: await timelineOf(context, execution, null), flagRaised: false };
}

/** The first of those who wait for the same command keeps what it gets, for the others. */
async function answerShortly(
  context: Context,
  { key, idempotency }: CancelRequest,
  accepted: Accepted,
  following: Following,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  const { reply, execution: before, replay } = accepted;
  const { disposition } = reply;
  // Beside the wait, so that work which looks at the flag stops within it.
  const raising = raiseFlag(context.flags, before);
  const isAtOnce = endedAtOnce(accepted);
  const since = replay?.since ?? context.clock.now();
  const execution = isAtOnce ? before : await waitShortly(context, before, following, since, signal);
  const timeline = isAtOnce ? await timelineAfter(context, accepted) : await timelineOf(context, execution, null);
  const flagRaised = await raising;
  if (idempotency === null) return { disposition, execution, timeline, flagRaised };
  const lastSequence = timeline.at(-1)?.sequence ?? 0;
  const kept = await context.store.recordAnswer(key, idempotency, { execution, lastSequence, flagRaised });
  return answerOf(context, disposition, kept);
}

/** The answer that is kept for replays. */
async function answerOf(
  context: Context,
  disposition: Disposition,
  { execution, lastSequence, flagRaised }: KeptAnswer,
): Promise<CancelAnswer> {
  return { disposition, execution, timeline: await timelineOf(context, execution, lastSequence), flagRaised };
}

/** The timeline right after a command. A new cancellation's is just what the command wrote. */
async function timelineAfter(context: Context, accepted: Accepted): Promise<readonly StoredEvent[]> {
  if (!isNew(accepted)) return timelineOf(context, accepted.execution, accepted.upToSequence);
  return accepted.events.filter((event) => event.cancellationId !== null);
}

function isNew({ reply, replay }: Accepted): boolean {
  return reply.disposition === "applied" && replay === null;
}

/** True if the cancellation began and ended with its own command: there was nothing to stop. */
function endedAtOnce(accepted: Accepted): boolean {
  return isNew(accepted) && accepted.execution.cancellation?.stage === "ended";
}

async function waitForEnd(execution: Execution, following: Following, signal: AbortSignal): Promise<Execution> {
  const id = execution.cancellation?.id ?? "";
  const ended = await following.until((now) => hasEnded(now, id), signal);
  if (ended !== null) return ended;
  throw new Refused(
    refusal(
      "still_cancelling",
      `${nameOf(execution.key)} is still being cancelled, and will be; ask again to wait longer`,
      { cancellation_id: id },
    ),
  );
}

/** @param since when the first caller began to wait: whoever repeats its command waits only as long as it does */
async function waitShortly(
  context: Context,
  execution: Execution,
  following: Following,
  since: Millis,
  signal: AbortSignal,
): Promise<Execution> {
  const id = execution.cancellation?.id ?? "";
  const left = Math.max(0, since + SHORT_WAIT - context.clock.now());
  const patience = AbortSignal.any([signal, AbortSignal.timeout(left)]);
  const ended = await following.until((now) => hasEnded(now, id), patience);
  return ended ?? (await context.store.findExecution(execution.key)) ?? execution;
}

function hasEnded(execution: Execution, cancellationId: string): boolean {
  const { cancellation } = execution;
  return cancellation === null || cancellation.id !== cancellationId || cancellation.stage === "ended";
}

/** A workflow instance is named by its workflow too: under another workflow it does not exist. */
async function checkWorkflow(context: Context, key: ExecutionKey, workflowId: string): Promise<void> {
  const execution = await context.store.findExecution(key);
  if (execution === null || execution.spec.workflowId === workflowId) return;
  throw new Refused(
    refusal("execution_not_found", `workflow '${workflowId}' has no instance '${key.id}'`, {
      kind: key.kind,
      id: key.id,
    }),
  );
}

async function findCancellation(context: Context, tenant: string, cancellationId: string): Promise<CancelledExecution> {
  const found = await context.store.findCancellation(tenant, cancellationId);
  if (found !== null) return found;
  throw new Refused(
    refusal("cancellation_not_found", `no cancellation has the id '${cancellationId}'`, {
      cancellation_id: cancellationId,
    }),
  );
}

async function timelineOf(
  context: Context,
  execution: Execution,
  upToSequence: number | null,
): Promise<readonly StoredEvent[]> {
  if (execution.cancellation === null) return [];
  const { key, cancellation } = execution;
  return context.store.listEvents({
    key,
    cancellationId: cancellation.id,
    afterSequence: 0,
    upToSequence,
    limit: MAX_TIMELINE,
  });
}

/** An execution that a step of its cancellation has just changed. */
export function cancelled(execution: Execution): CancelledExecution {
  if (execution.cancellation === null) throw new Refused(notFound(execution.key));
  return { execution, cancellation: execution.cancellation };
}
