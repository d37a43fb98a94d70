/** What can be wrong with one execution and the rows that belong to it. */
import type { Cancellation } from "../../domain/cancellation.ts";
import type { Effect } from "../../domain/effect.ts";
import { type Execution, type ExecutionRef, isTerminal, type QueueItem } from "../../domain/execution.ts";
import { sameJson } from "../../domain/json.ts";
import { type ExecutionRow, executionOf, fixedColumnsOf, mutableColumnsOf } from "../rows.ts";

/** An execution with all that is kept of it, but for its timeline. */
export interface InspectedExecution {
  readonly row: ExecutionRow;
  readonly queueItems: readonly QueueItem[];
  readonly labels: Readonly<Record<string, string>>;
  readonly effects: readonly Effect[];
  readonly listenerJob: { readonly tenant: string; readonly type: string; readonly available_at: number } | null;
  /** The execution that `parent_rid` points to. */
  readonly parent: ExecutionRef | null;
  readonly hasLiveChildren: boolean;
}

/** By the name of the check that they belong to. */
export interface ExecutionFaults {
  readonly executions: readonly string[];
  readonly cancellations: readonly string[];
  readonly leases: readonly string[];
  readonly listenerJobs: readonly string[];
}

export function faultsOf(inspected: InspectedExecution): ExecutionFaults {
  const execution = read(inspected);
  if (execution === null) {
    return { executions: ["its JSON can't be read"], cancellations: [], leases: [], listenerJobs: [] };
  }
  return {
    executions: [...copyFaults(inspected, execution), ...stateFaults(execution)],
    cancellations: cancellationFaults(inspected, execution),
    leases: leaseFaults(inspected, execution),
    listenerJobs: listenerJobFaults(inspected, execution),
  };
}

/** Null if a text is not the JSON that it should be. */
function read({ row, queueItems }: InspectedExecution): Execution | null {
  try {
    return executionOf(row, queueItems);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Columns that are there for finding an execution say what its JSON says. */
function copyFaults({ row, labels, parent }: InspectedExecution, execution: Execution): string[] {
  // Not compared: the columns that all others are copies of, and what the row alone says.
  const { spec_json: _spec, ...fixed } = fixedColumnsOf(execution, row.parent_rid);
  const { cancellation_json: _cancellation, ending_json: _ending, ...mutable } = mutableColumnsOf(execution);
  const columns = new Map<string, unknown>(Object.entries(row));
  const differing = Object.entries({ ...fixed, ...mutable }).flatMap(([column, value]) =>
    columns.get(column) === value
      ? []
      : [`column ${column} is ${JSON.stringify(columns.get(column))} and should be ${JSON.stringify(value)}`],
  );
  const { spec } = execution;
  if (!sameJson(labels, spec.labels)) differing.push("its labels are not those that it was registered with");
  if (!sameJson(parent, spec.parent)) differing.push("its parent is not the one that it was registered with");
  return differing;
}

function stateFaults({ state, endedAt, cancellation, token }: Execution): string[] {
  const faults: string[] = [];
  if (isTerminal(state) !== (endedAt !== null))
    faults.push(`it is ${state} and has ${endedAt === null ? "no" : "an"} end`);
  if (token < 0) faults.push("its token is negative");
  if (state === "cancelling" && (cancellation === null || cancellation.stage === "ended")) {
    faults.push("it is cancelling without a cancellation under way");
  }
  if (state === "cancelled" && cancellation === null) faults.push("it is cancelled without a cancellation");
  return faults;
}

/** A cancellation that has not ended goes on by itself, or says what it waits for. */
function cancellationFaults({ effects, hasLiveChildren }: InspectedExecution, execution: Execution): string[] {
  const { cancellation } = execution;
  if (cancellation === null) return [];
  const { stage, outcome, endedAt } = cancellation;
  if ((stage === "ended") !== (outcome !== "pending") || (stage === "ended") !== (endedAt !== null)) {
    return [`its cancellation is at stage ${stage} with outcome ${outcome} and ${endedAt === null ? "no" : "an"} end`];
  }
  if (stage === "ended" || effects.some((effect) => movesOn(effect, cancellation))) return [];
  const waits =
    cancellation.overdueReason !== null ||
    cancellation.listenerJob !== null ||
    (stage === "children" && hasLiveChildren);
  return waits ? [] : ["its cancellation can't go on: nothing is owed for it, and it does not say what it waits for"];
}

function movesOn(effect: Effect, { id }: Cancellation): boolean {
  if (effect.type === "lease_timer") return true;
  return "cancellationId" in effect && effect.cancellationId === id;
}

/** Whoever holds a lease has the current token, or one that a cancel has overtaken, and its end is watched for. */
function leaseFaults({ effects }: InspectedExecution, { state, token, lease, cancellation }: Execution): string[] {
  if (lease === null) return state === "running" && token > 0 ? ["it was started and has no lease"] : [];
  const faults: string[] = [];
  if (lease.token > token) faults.push(`its lease has token ${lease.token}, which is above its own, ${token}`);
  if (state === "running" && lease.token !== token) {
    faults.push(`it is running, and its lease has token ${lease.token} in place of ${token}`);
  }
  if (state === "pending") faults.push("it is pending and has a lease");
  if (lease.duration <= 0) faults.push("its lease has no duration");
  const stage = cancellation?.stage ?? "ended";
  const matters = state === "running" || stage === "children" || stage === "stopping" || stage === "terminating";
  const isWatched = effects.some((effect) => effect.type === "lease_timer" && effect.token === lease.token);
  if (matters && !lease.expired && !isWatched) faults.push("nothing will notice the end of its lease");
  return faults;
}

/** The row by which workers find a job is there exactly while the job can be taken. */
function listenerJobFaults({ row, listenerJob }: InspectedExecution, { cancellation }: Execution): string[] {
  const job = cancellation?.listenerJob ?? null;
  if (job === null || job.state === "incident") {
    return listenerJob === null ? [] : ["workers are offered a listener job that it does not have"];
  }
  if (listenerJob === null) return [`no worker is offered its listener job ${job.type}`];
  const fits =
    listenerJob.tenant === row.tenant && listenerJob.type === job.type && listenerJob.available_at === job.availableAt;
  return fits ? [] : [`workers are offered its listener job ${job.type} as ${JSON.stringify(listenerJob)}`];
}
