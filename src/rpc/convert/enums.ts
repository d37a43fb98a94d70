/** The enums of the contract and the unions of the domain that they stand for. Each table is total; a new member does not compile. */
import {
  EventType as EventTypeMessage,
  CancellationOutcome as OutcomeMessage,
  CancellationStage as StageMessage,
  StopProof as StopProofMessage,
  Strategy as StrategyMessage,
  TerminationStatus,
} from "../../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState, QueueItemState as QueueItemStateMessage } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind as KindMessage } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { StopSignal } from "../../../gen/belay/v1/worker_service_pb.ts";
import {
  OUTCOMES,
  type Outcome,
  STRATEGIES,
  type Stage,
  type StopProof,
  type Strategy,
  type Termination,
} from "../../domain/cancellation.ts";
import type { EventType } from "../../domain/event.ts";
import {
  KINDS,
  type Kind,
  QUEUE_ITEM_STATES,
  type QueueItemState,
  STATES,
  type State,
} from "../../domain/execution.ts";
import type { Signal } from "../../domain/signal.ts";

/** From the domain's names to the contract's numbers. */
type Table<D extends string, M extends number> = Readonly<Record<D, M>>;

/** The way back: undefined for UNSPECIFIED and for numbers that the contract does not define. */
function reversed<D extends string, M extends number>(
  names: readonly D[],
  table: Table<D, M>,
): (value: M) => D | undefined {
  const byNumber = new Map<M, D>(names.map((name) => [table[name], name]));
  return (value) => byNumber.get(value);
}

export const KIND_MESSAGES: Table<Kind, KindMessage> = {
  process_instance: KindMessage.PROCESS_INSTANCE,
  process: KindMessage.PROCESS,
  workflow_instance: KindMessage.WORKFLOW_INSTANCE,
  assessment: KindMessage.ASSESSMENT,
  workflow_run: KindMessage.WORKFLOW_RUN,
};
export const kindOfMessage = reversed(KINDS, KIND_MESSAGES);

export const STATE_MESSAGES: Table<State, ExecutionState> = {
  pending: ExecutionState.PENDING,
  running: ExecutionState.RUNNING,
  cancelling: ExecutionState.CANCELLING,
  completed: ExecutionState.COMPLETED,
  failed: ExecutionState.FAILED,
  cancelled: ExecutionState.CANCELLED,
};
export const stateOfMessage = reversed(STATES, STATE_MESSAGES);

export const QUEUE_ITEM_STATE_MESSAGES: Table<QueueItemState, QueueItemStateMessage> = {
  pending: QueueItemStateMessage.PENDING,
  executing: QueueItemStateMessage.EXECUTING,
  completed: QueueItemStateMessage.COMPLETED,
  cancelled: QueueItemStateMessage.CANCELLED,
};
export const queueItemStateOfMessage = reversed(QUEUE_ITEM_STATES, QUEUE_ITEM_STATE_MESSAGES);

export const STRATEGY_MESSAGES: Table<Strategy, StrategyMessage> = {
  soft: StrategyMessage.SOFT,
  soft_then_force: StrategyMessage.SOFT_THEN_FORCE,
  hard: StrategyMessage.HARD,
};
export const strategyOfMessage = reversed(STRATEGIES, STRATEGY_MESSAGES);

export const OUTCOME_MESSAGES: Table<Outcome, OutcomeMessage> = {
  pending: OutcomeMessage.PENDING,
  cancelled: OutcomeMessage.CANCELLED,
  finished_first: OutcomeMessage.FINISHED_FIRST,
  failed: OutcomeMessage.FAILED,
};
export const outcomeOfMessage = reversed(OUTCOMES, OUTCOME_MESSAGES);

export const STOP_PROOF_MESSAGES: Table<StopProof, StopProofMessage> = {
  none: StopProofMessage.NONE,
  pending: StopProofMessage.PENDING,
  confirmed: StopProofMessage.CONFIRMED,
  lost: StopProofMessage.LOST,
};

export const STAGE_MESSAGES: Table<Stage, StageMessage> = {
  children: StageMessage.CHILDREN,
  stopping: StageMessage.STOPPING,
  terminating: StageMessage.TERMINATING,
  listeners: StageMessage.LISTENERS,
  ended: StageMessage.ENDED,
};

export const TERMINATION_MESSAGES: Table<Termination, TerminationStatus> = {
  not_needed: TerminationStatus.NOT_NEEDED,
  pending: TerminationStatus.PENDING,
  issued: TerminationStatus.ISSUED,
  failed: TerminationStatus.FAILED,
};

/** `none` is the absence of a signal: UNSPECIFIED. */
export const SIGNAL_MESSAGES: Table<Signal, StopSignal> = {
  none: StopSignal.UNSPECIFIED,
  stop: StopSignal.STOP,
  terminate: StopSignal.TERMINATE,
  lease_lost: StopSignal.LEASE_LOST,
};

export const EVENT_TYPE_MESSAGES: Table<EventType, EventTypeMessage> = {
  registered: EventTypeMessage.REGISTERED,
  started: EventTypeMessage.STARTED,
  completed: EventTypeMessage.COMPLETED,
  failed: EventTypeMessage.FAILED,
  lease_expired: EventTypeMessage.LEASE_EXPIRED,
  lease_renewed: EventTypeMessage.LEASE_RENEWED,
  result_refused: EventTypeMessage.RESULT_REFUSED,
  cancellation_requested: EventTypeMessage.CANCELLATION_REQUESTED,
  cancellation_joined: EventTypeMessage.CANCELLATION_JOINED,
  cancellation_escalated: EventTypeMessage.CANCELLATION_ESCALATED,
  queue_items_cancelled: EventTypeMessage.QUEUE_ITEMS_CANCELLED,
  children_cancelling: EventTypeMessage.CHILDREN_CANCELLING,
  children_ended: EventTypeMessage.CHILDREN_ENDED,
  children_overdue: EventTypeMessage.CHILDREN_OVERDUE,
  stop_requested: EventTypeMessage.STOP_REQUESTED,
  stop_delivered: EventTypeMessage.STOP_DELIVERED,
  terminate_requested: EventTypeMessage.TERMINATE_REQUESTED,
  terminate_delivered: EventTypeMessage.TERMINATE_DELIVERED,
  stop_confirmed: EventTypeMessage.STOP_CONFIRMED,
  stop_lost: EventTypeMessage.STOP_LOST,
  overdue: EventTypeMessage.OVERDUE,
  listener_job_created: EventTypeMessage.LISTENER_JOB_CREATED,
  listener_job_activated: EventTypeMessage.LISTENER_JOB_ACTIVATED,
  listener_job_completed: EventTypeMessage.LISTENER_JOB_COMPLETED,
  listener_job_failed: EventTypeMessage.LISTENER_JOB_FAILED,
  listener_job_timed_out: EventTypeMessage.LISTENER_JOB_TIMED_OUT,
  incident_raised: EventTypeMessage.INCIDENT_RAISED,
  incident_resolved: EventTypeMessage.INCIDENT_RESOLVED,
  cancellation_ended: EventTypeMessage.CANCELLATION_ENDED,
  engine_unreachable: EventTypeMessage.ENGINE_UNREACHABLE,
  callback_delivered: EventTypeMessage.CALLBACK_DELIVERED,
  callback_failed: EventTypeMessage.CALLBACK_FAILED,
};
