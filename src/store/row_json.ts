/**
 * The JSON texts in the row of an execution. What its columns say already and what most executions have in common is left out: the shorter
 * the row, the more of them on a page, and the fewer pages a write in the middle of the table costs.
 */
import type { Selectable } from "kysely";
import type { Cancellation } from "../domain/cancellation.ts";
import type { ExecutionSpec } from "../domain/execution.ts";
import type { ExecutionTable } from "./schema.ts";

type KeptSpec = Partial<ExecutionSpec> & Pick<ExecutionSpec, "engine">;

const USUAL_SPEC: Omit<ExecutionSpec, "engine"> = {
  parent: null,
  root: null,
  labels: {},
  listeners: [],
  detail: {},
  workflowId: null,
  canceledOutcomeId: null,
  callbackUrl: null,
};

/** JSON has no `undefined`: such members are left out. */
export function specJsonOf(spec: ExecutionSpec): string {
  return JSON.stringify({
    engine: spec.engine,
    parent: spec.parent ?? undefined,
    root: spec.root ?? undefined,
    labels: isEmpty(spec.labels) ? undefined : spec.labels,
    listeners: isEmpty(spec.listeners) ? undefined : spec.listeners,
    detail: isEmpty(spec.detail) ? undefined : spec.detail,
    workflowId: spec.workflowId ?? undefined,
    canceledOutcomeId: spec.canceledOutcomeId ?? undefined,
    callbackUrl: spec.callbackUrl ?? undefined,
  } satisfies Record<keyof ExecutionSpec, unknown>);
}

export function specOf(json: string): ExecutionSpec {
  const kept: KeptSpec = JSON.parse(json);
  return { ...USUAL_SPEC, ...kept };
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/** What is read from columns. */
type ColumnMembers = Pick<Cancellation, "id" | "requestedAt">;

/** What every cancellation says for itself. */
type OwnMembers = Pick<Cancellation, "strategy" | "forceAfter" | "endedAt">;

type KeptCancellation = Partial<Cancellation> & OwnMembers;

/** Of one that had nothing to wait for. */
const USUAL_CANCELLATION: Omit<Cancellation, keyof ColumnMembers | keyof OwnMembers> = {
  reason: "",
  requestedBy: null,
  parentCancellationId: null,
  stage: "ended",
  outcome: "cancelled",
  proof: "none",
  termination: "not_needed",
  stopDelivered: false,
  forceAt: null,
  listenerJob: null,
  incidentAt: null,
  overdueReason: null,
  failure: null,
};

export function cancellationJsonOf(cancellation: Cancellation): string {
  const { stage, outcome, proof, termination } = cancellation;
  return JSON.stringify({
    strategy: cancellation.strategy,
    forceAfter: cancellation.forceAfter,
    reason: cancellation.reason === "" ? undefined : cancellation.reason,
    requestedBy: cancellation.requestedBy ?? undefined,
    parentCancellationId: cancellation.parentCancellationId ?? undefined,
    stage: stage === USUAL_CANCELLATION.stage ? undefined : stage,
    outcome: outcome === USUAL_CANCELLATION.outcome ? undefined : outcome,
    proof: proof === USUAL_CANCELLATION.proof ? undefined : proof,
    termination: termination === USUAL_CANCELLATION.termination ? undefined : termination,
    stopDelivered: cancellation.stopDelivered ? true : undefined,
    forceAt: cancellation.forceAt ?? undefined,
    listenerJob: cancellation.listenerJob ?? undefined,
    incidentAt: cancellation.incidentAt ?? undefined,
    overdueReason: cancellation.overdueReason ?? undefined,
    failure: cancellation.failure ?? undefined,
    endedAt: cancellation.endedAt,
  } satisfies Record<Exclude<keyof Cancellation, keyof ColumnMembers>, unknown>);
}

type CancellationRow = Pick<
  Selectable<ExecutionTable>,
  "cancellation_json" | "cancellation_id" | "cancellation_requested_at"
>;

export function cancellationOf(row: CancellationRow): Cancellation | null {
  if (row.cancellation_json === null) return null;
  const kept: KeptCancellation = JSON.parse(row.cancellation_json);
  // Rows that were written before anything was left out say all of it.
  return { ...USUAL_CANCELLATION, ...columnsOf(row), ...kept };
}

function columnsOf(row: CancellationRow): ColumnMembers {
  return { id: row.cancellation_id ?? "", requestedAt: row.cancellation_requested_at ?? 0 };
}
