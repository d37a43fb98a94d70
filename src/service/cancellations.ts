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
import { waitUntil } from "./waiting.ts";

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
  const { key } = request;
  if (request.workflowId !== null) await checkWorkflow(context, key, request.workflowId);
  const accepted = await submit(
    context,
    key,
    {
      type: "cancel",
      cancellationId: mintUuid(),
      strategy: request.strategy ?? KIND_RULES[key.kind].defaultStrategy,
      forceAfter: request.forceAfter ?? DEFAULT_FORCE_AFTER,
      reason: request.reason,
      requestedBy: request.requestedBy,
      parentCancellationId: null,
      operationReference: request.operationReference,
    },
    { idempotency: request.idempotency, audit: request.audit },
  );
  const { reply, execution, replay } = accepted;
  if (replay?.answered) return await answerOf(context, reply.disposition, { ...replay, execution });
  return await answerInTime(context, request, accepted, signal);
}

/** Answers when the kind's contract says so: at once, or when the cancellation has ended. */
async function answerInTime(
  context: Context,
  request: CancelRequest,
  accepted: Accepted,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  const { disposition } = accepted.reply;
  const { answers } = KIND_RULES[request.key.kind];
  const isOver = disposition === "already_cancelled" || disposition === "already_finished";
  if (isOver || answers === "durable") {
    const timeline = await timelineAfter(context, accepted);
    return { disposition, execution: accepted.execution, timeline, flagRaised: false };
  }
  return answers === "ended"
    ? await answerAtEnd(context, request, accepted, signal)
    : await answerShortly(context, request, accepted, signal);
}

/** The answer to a command with an id is kept in the transaction that ends the cancellation: all who wait get the same. */
async function answerAtEnd(
  context: Context,
  { key, idempotency }: CancelRequest,
  { reply: { disposition }, execution: before }: Accepted,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  const execution = await waitForEnd(context, before, signal);
  const kept = idempotency === null ? null : await context.store.findAnswer(key, idempotency);
  if (kept !== null) return answerOf(context, disposition, kept);
  return { disposition, execution, timeline: await timelineOf(context, execution, null), flagRaised: false };
}

/** The first of those who wait for the same command keeps what it gets, for the others. */
async function answerShortly(
  context: Context,
  { key, idempotency }: CancelRequest,
  { reply: { disposition }, execution: before, replay }: Accepted,
  signal: AbortSignal,
): Promise<CancelAnswer> {
  // Beside the wait, so that work which looks at the flag stops within it.
  const raising = raiseFlag(context.flags, before);
  const execution = await waitShortly(context, before, replay?.since ?? context.clock.now(), signal);
  const timeline = await timelineOf(context, execution, null);
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
  const isNew = accepted.reply.disposition === "applied" && accepted.replay === null;
  if (!isNew) return timelineOf(context, accepted.execution, accepted.upToSequence);
  return accepted.events.filter((event) => event.cancellationId !== null);
}

async function waitForEnd(context: Context, execution: Execution, signal: AbortSignal): Promise<Execution> {
  const id = execution.cancellation?.id ?? "";
  const ended = await waitUntil(context, execution.key, (now) => hasEnded(now, id), signal);
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
  since: Millis,
  signal: AbortSignal,
): Promise<Execution> {
  const id = execution.cancellation?.id ?? "";
  const left = Math.max(0, since + SHORT_WAIT - context.clock.now());
  const patience = AbortSignal.any([signal, AbortSignal.timeout(left)]);
  const ended = await waitUntil(context, execution.key, (now) => hasEnded(now, id), patience);
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
