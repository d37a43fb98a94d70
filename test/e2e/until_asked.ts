/** Waiting for the moment in which a cancel is decided. */
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import type { Clients } from "./clients.ts";
import type { Work } from "./work.ts";

/** Resolves when a cancellation of the work was asked for. */
export async function untilAsked({ executions }: Clients, { ref }: Work): Promise<void> {
  const asked = new AbortController();
  try {
    for await (const { event } of executions.watchExecution({ execution: ref }, { signal: asked.signal })) {
      if (event?.type === EventType.CANCELLATION_REQUESTED) return;
    }
  } finally {
    asked.abort();
  }
}
