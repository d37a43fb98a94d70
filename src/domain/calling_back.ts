/** The callback that an execution owes when it ends. */
import type { CallbackSettled } from "./command.ts";
import { accept, type Decision, type Draft, record } from "./decision.ts";
import { type Execution, isTerminal } from "./execution.ts";
import type { Millis } from "./time.ts";

/** Owes the callback from the moment the execution ends. A terminal state is never left, so that is once. */
export function callBackAtEnd(before: Execution, decision: Decision, now: Millis): Decision {
  const after = decision.execution;
  const hasEnded = after !== null && !isTerminal(before.state) && isTerminal(after.state);
  if (!hasEnded || after.spec.callbackUrl === null) return decision;
  return { ...decision, effects: [...decision.effects, { type: "callback", dueAt: now }] };
}

/** The timeline tells what became of the callback: that of the cancellation, if the execution was cancelled. */
export function callbackSettled(draft: Draft, { delivered, attempts, message }: CallbackSettled): Decision {
  const wasCancelled = draft.execution.state === "cancelled";
  const attributes = { attempts: String(attempts), message };
  record(draft, delivered ? "callback_delivered" : "callback_failed", attributes, wasCancelled);
  return accept(draft);
}
