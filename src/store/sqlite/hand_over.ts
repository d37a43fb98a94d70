/** Hands the writes over to a thread, so that this one keeps to the network: no request waits while another's transaction runs. */
import { createRemoteWriter } from "./remote_writer.ts";
import { RunningThread, type ThreadLogger } from "./running_thread.ts";
import type { SqliteWriter } from "./writer.ts";
import { callsTo } from "./writer_functions.ts";
import type { ThreadOptions } from "./writer_messages.ts";

/**
 * Starts the thread, whose modules take a while to load, and lets `inline` do what is asked until then, so that nobody waits for it.
 *
 * What `inline` does is over before the event loop turns, so none of it is under way when the thread's word comes that it is ready: there
 * are never two that write. The thread's writer is made while `inline` still writes: none may read anything for later when it is made.
 */
export function handOver(inline: SqliteWriter, options: ThreadOptions, logger: ThreadLogger | null): SqliteWriter {
  const thread = new RunningThread(options, logger);
  const callInline = callsTo(inline);
  return createRemoteWriter(
    (name, args) => (thread.isReady ? thread.call(name, args) : callInline(name, args)),
    () => thread.close(),
  );
}
