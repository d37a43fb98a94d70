/** Follows a stream of events over broken connections: a server that restarts must not end a watch. */
import { setTimeout } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { TimelineEvent } from "../../gen/belay/v1/cancellation_pb.ts";
import { reasonOf } from "./failure.ts";

/** Opens the stream after an event's sequence; 0n: from the first. */
export type OpenStream = (
  afterSequence: bigint,
  signal: AbortSignal,
) => AsyncIterable<{ readonly event?: TimelineEvent | undefined }>;

/** The wait before the first new attempt and the longest, in milliseconds. Doubled each time. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 5_000;

/** How long a lost server has to come back, in milliseconds: longer than a restart takes. */
const PATIENCE = 60_000;

/** Yields every event once, in order, until the server ends the stream. `onLost` is told once for each loss of the connection. */
export async function* follow(
  open: OpenStream,
  signal: AbortSignal,
  onLost: () => void,
): AsyncGenerator<TimelineEvent> {
  let sequence = 0n;
  let wasReached = false;
  let lostAt: number | null = null;
  let wait = FIRST_WAIT;
  while (true) {
    try {
      for await (const { event } of open(sequence, signal)) {
        wasReached = true;
        lostAt = null;
        wait = FIRST_WAIT;
        if (event === undefined) continue;
        sequence = event.sequence;
        yield event;
      }
      return;
    } catch (error) {
      if (signal.aborted || !wasReached || !isLoss(error)) throw error;
      if (lostAt === null) onLost();
      lostAt ??= Date.now();
      if (Date.now() - lostAt > PATIENCE) throw error;
    }
    await setTimeout(wait, undefined, { signal });
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

const REASONS_OF_LOSS = new Set<string | null>([
  // No answer at all: the connection broke.
  null,
  "SHUTTING_DOWN",
  "WATCHER_TOO_SLOW",
  "OVERLOADED",
  "STORE_UNAVAILABLE",
]);

function isLoss(error: unknown): boolean {
  return error instanceof ConnectError && error.code !== Code.Unimplemented && REASONS_OF_LOSS.has(reasonOf(error));
}
