/** The refusals that several commands share, in one wording. */
import { type Decision, refuse } from "./decision.ts";
import type { Execution, ExecutionKey } from "./execution.ts";
import { KIND_RULES } from "./kind_rules.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** The execution in words: "process 'p-1'". */
export function nameOf(key: ExecutionKey): string {
  return `${KIND_RULES[key.kind].noun} '${key.id}'`;
}

export function notFound(key: ExecutionKey): Refusal {
  return refusal("execution_not_found", `no ${nameOf(key)} is registered`, { kind: key.kind, id: key.id });
}

export function refuseUnderWay(execution: Execution): Decision {
  return refuse(execution, "cancellation_under_way", `${nameOf(execution.key)} is being cancelled`, {
    cancellation_id: execution.cancellation?.id ?? "",
  });
}

export function refuseCancelled(execution: Execution): Decision {
  return refuse(execution, "already_cancelled", `${nameOf(execution.key)} has been cancelled`, {
    cancellation_id: execution.cancellation?.id ?? "",
  });
}

export function refuseFinished(execution: Execution): Decision {
  return refuse(execution, "already_finished", `${nameOf(execution.key)} has ${execution.state} already`, {
    state: execution.state,
  });
}

export function refuseStaleToken(execution: Execution, token: number): Decision {
  return refuse(
    execution,
    "stale_token",
    `token ${token} is not that of the current lease of ${nameOf(execution.key)}: the work was cancelled or handed on`,
    { token: String(token) },
  );
}
