/** Tells those who watch an execution what happened to it, as the store has it: for what was not committed through the command queue. */
import type { ExecutionKey } from "../domain/execution.ts";
import type { Applied, Store, StoredEvent } from "../store/store.ts";
import type { EventBus } from "./event_bus.ts";

/** A timeline is read in parts. */
const EVENTS_AT_ONCE = 500;

export async function tellWatchers(
  { store, bus }: { readonly store: Pick<Store, "findExecution" | "listEvents">; readonly bus: EventBus },
  key: ExecutionKey,
  afterSequence: number,
): Promise<void> {
  // Read before its events: whoever sees that it has ended has then seen all that led there.
  const execution = await store.findExecution(key);
  const events: StoredEvent[] = [];
  let part: readonly StoredEvent[];
  do {
    part = await store.listEvents({
      key,
      cancellationId: null,
      afterSequence: events.at(-1)?.sequence ?? afterSequence,
      upToSequence: null,
      limit: EVENTS_AT_ONCE,
    });
    events.push(...part);
  } while (part.length === EVENTS_AT_ONCE);
  if (events.length > 0) bus.publish(changeOf(execution, events));
}

function changeOf(execution: Applied["execution"], events: Applied["events"]): Applied {
  return {
    reply: { accepted: true, disposition: "unchanged" },
    execution,
    events,
    effects: [],
    replay: null,
    upToSequence: null,
  };
}
