/**
 * The core: `decide(execution, command, now)`. Pure and total: each pair of state and command has one defined answer, in the table
 * below. Every change of an execution goes through it.
 */
import { callBackAtEnd, callbackSettled } from "./calling_back.ts";
import { cancel, cancelAgain, cancelCancelled, cancelFinished } from "./cancelling.ts";
import type { Command, CommandOf, CommandType } from "./command.ts";
import { type Decision, type Draft, draftOf, type Facts, unchanged } from "./decision.ts";
import { type Execution, type ExecutionKey, isLive, type State } from "./execution.ts";
import { withHeartbeat } from "./heard.ts";
import {
  activateListenerJob,
  completeListenerJob,
  failListenerJob,
  listenerLockDue,
  refuseNoIncident,
  refuseUnknownJob,
  resolveIncident,
} from "./listening.ts";
import {
  childrenChanged,
  childrenDue,
  forceDue,
  refuseUnaskedReport,
  signalDelivered,
  signalFailed,
  stopReported,
  verified,
} from "./proving.ts";
import { notFound, refuseCancelled, refuseFinished, refuseUnderWay } from "./refusals.ts";
import type { Millis } from "./time.ts";
import {
  completePending,
  completeRunning,
  finishAgain,
  heartbeat,
  heartbeatWhileStopping,
  leaseDue,
  leaseDueWhileStopping,
  refuseResult,
  registerAgain,
  registerNew,
  start,
  startRunning,
} from "./working.ts";

type Step<T extends CommandType> = (draft: Draft, command: CommandOf<T>) => Decision;
type Row<T extends CommandType> = Readonly<Record<State, Step<T>>>;

function row<T extends CommandType>(
  pending: Step<T>,
  running: Step<T>,
  cancelling: Step<T>,
  finished: Step<T>,
  cancelled: Step<T>,
): Row<T> {
  return { pending, running, cancelling, completed: finished, failed: finished, cancelled };
}

const ignore = (draft: Draft): Decision => unchanged(draft.execution);
const underWay = (draft: Draft): Decision => refuseUnderWay(draft.execution);
const ended = (draft: Draft): Decision => refuseFinished(draft.execution);
const gone = (draft: Draft): Decision => refuseCancelled(draft.execution);
const noJob = (draft: Draft, command: { readonly jobKey: string }): Decision =>
  refuseUnknownJob(draft.execution, command.jobKey);
const noIncident = (draft: Draft): Decision => refuseNoIncident(draft.execution);

/** The whole behaviour of an execution. `finished` stands for completed and failed. */
// biome-ignore format: a table is read by its columns
const TABLE: { readonly [T in CommandType]: Row<T> } = {
  //                        pending              running              cancelling              finished        cancelled
  register:              row(registerAgain,       registerAgain,       registerAgain,          registerAgain,  registerAgain),
  start:                 row(start,               startRunning,        underWay,               ended,          gone),
  heartbeat:             row(ignore,              heartbeat,           heartbeatWhileStopping, ignore,         heartbeatWhileStopping),
  complete:              row<"complete">(completePending,     completeRunning,     refuseResult,           finishAgain,    refuseResult),
  fail:                  row<"fail">(completePending,     completeRunning,     refuseResult,           finishAgain,    refuseResult),
  cancel:                row(cancel,              cancel,              cancelAgain,            cancelFinished, cancelCancelled),
  report_stopped:        row(refuseUnaskedReport, refuseUnaskedReport, stopReported,           ended,          stopReported),
  signal_delivered:      row(ignore,              ignore,              signalDelivered,        ignore,         signalDelivered),
  signal_failed:         row(ignore,              ignore,              signalFailed,           ignore,         signalFailed),
  verified:              row(ignore,              ignore,              verified,               ignore,         verified),
  force_due:             row(ignore,              ignore,              forceDue,               ignore,         forceDue),
  children_due:          row(ignore,              ignore,              childrenDue,            ignore,         childrenDue),
  children_changed:      row(ignore,              ignore,              childrenChanged,        ignore,         childrenChanged),
  lease_due:             row(ignore,              leaseDue,            leaseDueWhileStopping,  ignore,         leaseDueWhileStopping),
  activate_listener_job: row(noJob,               noJob,               activateListenerJob,    noJob,          activateListenerJob),
  complete_listener_job: row(noJob,               noJob,               completeListenerJob,    noJob,          completeListenerJob),
  fail_listener_job:     row(noJob,               noJob,               failListenerJob,        noJob,          failListenerJob),
  listener_lock_due:     row(ignore,              ignore,              listenerLockDue,        ignore,         listenerLockDue),
  resolve_incident:      row(noIncident,          noIncident,          resolveIncident,        noIncident,     resolveIncident),
  callback_settled:      row(ignore,              ignore,              ignore,                 callbackSettled, callbackSettled),
};

/** Commands that matter only to an execution that exists: without one, there is nothing to do and nothing wrong. */
const IGNORED_WITHOUT_EXECUTION: ReadonlySet<CommandType> = new Set([
  "heartbeat",
  "signal_delivered",
  "signal_failed",
  "verified",
  "force_due",
  "children_due",
  "children_changed",
  "lease_due",
  "listener_lock_due",
  "callback_settled",
]);

/**
 * Decides what `command` does to the execution named `key`.
 *
 * @param execution as it stands; null if it is not registered
 * @param now milliseconds since the epoch; never smaller than at the decision before
 */
export function decide(
  key: ExecutionKey,
  execution: Execution | null,
  command: Command,
  now: Millis,
  facts: Facts,
): Decision {
  if (execution === null) return decideUnregistered(key, command, now, facts);
  const known = facts.heard === undefined ? execution : withHeartbeat(execution, facts.heard);
  const decision = step(draftOf(known, now, facts), command);
  return callBackAtEnd(known, notifyParentOfEnd(known, decision, now), now);
}

function decideUnregistered(key: ExecutionKey, command: Command, now: Millis, facts: Facts): Decision {
  if (command.type === "register") return registerNew(key, command, now, facts);
  if (IGNORED_WITHOUT_EXECUTION.has(command.type)) return unchanged(null);
  return { execution: null, events: [], effects: [], reply: { accepted: false, refusal: notFound(key) } };
}

function step<T extends CommandType>(draft: Draft, command: CommandOf<T> & { readonly type: T }): Decision {
  const rows: { readonly [K in T]: Row<K> } = TABLE;
  return rows[command.type][draft.execution.state](draft, command);
}

/** A parent that waits for its children learns when one has ended. */
function notifyParentOfEnd(before: Execution, decision: Decision, now: Millis): Decision {
  const after = decision.execution;
  if (after === null || after.spec.parent === null || !isLive(before) || isLive(after)) return decision;
  return { ...decision, effects: [...decision.effects, { type: "notify_parent", dueAt: now, change: "ended" }] };
}
