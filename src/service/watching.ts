/** Use cases of watchers: the timeline so far, then each event as it is committed. */
import { type Execution, type ExecutionKey, isLive } from "../domain/execution.ts";
import { Refused, refusal } from "../domain/refusal.ts";
import { notFound } from "../domain/refusals.ts";
import type { Applied, StoredEvent } from "../store/store.ts";
import { type Backlog, Channel } from "./channel.ts";
import type { Context } from "./context.ts";
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

/** What a commit means to a watcher: no more than this waits for it. */
interface Change {
  readonly events: readonly StoredEvent[];
  /** The sequence of the last event of the execution. */
  readonly upTo: number;
  /** True when nothing more can happen. */
  readonly isOver: boolean;
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
  const channel = new Channel(BACKLOG);
  const unsubscribe = context.bus.watch(watched.key, (applied) => channel.push(changeOf(applied, watched)));
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
    for await (const change of channel) {
      for (const event of change.events) {
        if (event.sequence <= last) continue;
        yield event;
        last = event.sequence;
      }
      if (!change.isOver) continue;
      if (change.upTo >= last) return;
      // It was committed before what was seen, and another cancellation may have begun since.
      const now = await context.store.findExecution(watched.key);
      if (now !== null && !watched.isOver(now)) continue;
      yield* history(context, watched, last);
      return;
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

function changeOf({ execution, events }: Applied, watched: Watched): Change {
  const isOver = execution !== null && watched.isOver(execution);
  const upTo = events.at(-1)?.sequence ?? 0;
  return { events: events.filter((event) => belongs(event, watched)), upTo, isOver };
}

/** As much as a watcher catches up with in a moment: there may be thousands of them. */
const BACKLOG: Backlog<Change> = { items: 1_000, bytes: 256 * 1024, bytesOf };

/** What an event takes beside the texts of its attributes. */
const EVENT_BYTES = 200;

function bytesOf({ events }: Change): number {
  return events.reduce((sum, { attributes }) => sum + EVENT_BYTES + lengthOf(Object.values(attributes)), 0);
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
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
