/** Use cases of watchers: the timeline so far, then each event as it is committed. */
import { type Execution, type ExecutionKey, isLive } from "../domain/execution.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import { notFound } from "../domain/refusals.ts";
import type { Applied, StoredEvent } from "../store/store.ts";
import { Channel } from "./channel.ts";
import type { Context } from "./context.ts";
import { executionTopic } from "./event_bus.ts";
import type { Service } from "./service.ts";

/** How many events of the past are read at a time. */
const HISTORY_PAGE = 500;

interface Watched {
  readonly key: ExecutionKey;
  /** Only the events of this cancellation; null: all of the execution. */
  readonly cancellationId: string | null;
  /** True when nothing more can happen. */
  readonly isOver: (execution: Execution) => boolean;
}

export function watchUseCases(context: Context): Pick<Service, "watchCancellation" | "watchExecution"> {
  return {
    watchCancellation: async function* (tenant, cancellationId, afterSequence, signal) {
      const found = await context.store.findCancellation(tenant, cancellationId);
      if (found === null) {
        throw new Refused(
          refusal("cancellation_not_found", `no cancellation has the id '${cancellationId}'`, {
            cancellation_id: cancellationId,
          }),
        );
      }
      const isOver = ({ cancellation }: Execution) =>
        cancellation?.id !== cancellationId || cancellation.stage === "ended";
      yield* watch(context, { key: found.execution.key, cancellationId, isOver }, afterSequence, signal);
    },
    watchExecution: (key, afterSequence, signal) =>
      watch(context, { key, cancellationId: null, isOver: (execution) => !isLive(execution) }, afterSequence, signal),
  };
}

async function* watch(
  context: Context,
  watched: Watched,
  afterSequence: number,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent> {
  const channel = new Channel<Applied>();
  const unsubscribe = context.bus.subscribe(executionTopic(watched.key), (applied) => channel.push(applied));
  const close = () => channel.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  try {
    // Reads after subscribing, so that nothing can happen unseen in between.
    const execution = await context.store.findExecution(watched.key);
    if (execution === null) throw new Refused(notFound(watched.key));
    await checkSequence(context, afterSequence);
    let last = afterSequence;
    for await (const event of history(context, watched, afterSequence)) {
      yield event;
      last = event.sequence;
    }
    if (watched.isOver(execution)) return;
    for await (const applied of channel) {
      for (const event of applied.events) {
        if (event.sequence <= last || !belongs(event, watched)) continue;
        yield event;
        last = event.sequence;
      }
      if (applied.execution !== null && watched.isOver(applied.execution)) return;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", close);
  }
}

async function* history(context: Context, watched: Watched, afterSequence: number): AsyncGenerator<StoredEvent> {
  let last = afterSequence;
  for (;;) {
    const events = await context.store.listEvents({
      key: watched.key,
      cancellationId: watched.cancellationId,
      afterSequence: last,
      upToSequence: null,
      limit: HISTORY_PAGE,
    });
    yield* events;
    last = events.at(-1)?.sequence ?? last;
    if (events.length < HISTORY_PAGE) return;
  }
}

function belongs(event: StoredEvent, watched: Watched): boolean {
  return watched.cancellationId === null || event.cancellationId === watched.cancellationId;
}

async function checkSequence(context: Context, afterSequence: number): Promise<void> {
  const latest = await context.store.lastSequence();
  if (afterSequence <= latest) return;
  throw new Refused(
    refusal(
      "sequence_out_of_range",
      `after_sequence: ${afterSequence} is beyond the latest event, ${latest}; use the sequence of an event received`,
    ),
  );
}
