/** What a callback says. */
import type { Execution } from "../../domain/execution.ts";
import { processMessage } from "../../rpc/convert/process.ts";
import { processJson } from "./process_json.ts";

/** The body of the callback that a process owes when it has ended, as JSON. `milestone` is the status that it ended with. */
export function callbackBodyOf(execution: Execution): string {
  const process = processJson(processMessage(execution));
  const { status, timestamps } = process;
  // The time of the end, not of the call: so a repeated callback says the same.
  return JSON.stringify({
    event_type: "process.updated",
    milestone: status,
    emitted_at: timestamps.finished_at,
    process,
  });
}
