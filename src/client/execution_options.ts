/** What a worker says about an execution that it is going to run. */
import { randomInt } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { v7 as uuidv7 } from "uuid";
import type {
  AssessmentDetailSchema,
  ProcessDetailSchema,
  ProcessInstanceDetailSchema,
  WorkflowInstanceDetailSchema,
  WorkflowRunDetailSchema,
} from "../../gen/belay/v1/execution_pb.ts";
import type { RegisterExecutionRequestSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { type ExecutionRef, type KindName, kindOf, refMessage } from "./execution_ref.ts";

/** What is particular to each kind, as in the contract's `…Detail` messages. */
export interface DetailOfKind {
  process_instance: MessageInitShape<typeof ProcessInstanceDetailSchema>;
  process: MessageInitShape<typeof ProcessDetailSchema>;
  workflow_instance: MessageInitShape<typeof WorkflowInstanceDetailSchema>;
  assessment: MessageInitShape<typeof AssessmentDetailSchema>;
  workflow_run: MessageInitShape<typeof WorkflowRunDetailSchema>;
}

/** A listener: a type of job that a worker must complete before a cancellation of the execution completes. */
export interface ListenerOptions {
  readonly type: string;
  /** How often its job may be tried before the cancellation shows an incident. Default 3. */
  readonly retries?: number;
}

interface OptionsOfAllKinds {
  /**
   * The public id, under which it can be cancelled: up to 255 characters; for a process instance an integer of up to 25 digits. Default: a
   * new UUID, or a new number for a process instance.
   */
  readonly id?: string;
  /** Labels, for finding it. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The listeners that must complete before a cancellation completes, in this order. A string names a type. */
  readonly listeners?: readonly (string | ListenerOptions)[];
  /** The execution that this one is a child of: cancelling the parent cancels the child first. */
  readonly parent?: ExecutionRef;
  /**
   * How long the lease lasts without a heartbeat, in seconds: 1 to 3600, default 15. Heartbeats are sent three times in this span. A short
   * lease tells Belay sooner that a worker has died; a long one outlasts longer breaks in the connection, and code that blocks the event
   * loop.
   */
  readonly leaseSeconds?: number;
  /**
   * True if somebody else has registered the execution: it is started, and `labels`, `listeners`, `parent` and `detail` are not looked
   * at. By default it is registered and started in one call; registering it again with the same properties does no harm.
   */
  readonly registered?: boolean;
  /** How long to go on trying to reach Belay before the work is given up unstarted, in seconds. Default 5. */
  readonly startTimeoutSeconds?: number;
}

type DetailOption<K extends KindName> = K extends "workflow_instance"
  ? { readonly detail: DetailOfKind[K] }
  : { readonly detail?: DetailOfKind[K] };

/** An execution to run. `kind` decides what `detail` holds; a workflow instance must name its workflow there. */
export type ExecutionOptions = {
  [K in KindName]: OptionsOfAllKinds & DetailOption<K> & { readonly kind: K };
}[KindName];

/** The name of the execution, minted here if it has none: asking again after a lost answer then means the same execution. */
export function executionRefOf({ kind, id }: ExecutionOptions): ExecutionRef {
  return { kind, id: id === undefined || id === "" ? mintId(kind) : id };
}

function mintId(kind: KindName): string {
  if (kind !== "process_instance") return uuidv7();
  // An integer in time order: milliseconds, then chance.
  return `${Date.now()}${String(randomInt(1_000_000)).padStart(6, "0")}`;
}

type RegisterRequest = MessageInitShape<typeof RegisterExecutionRequestSchema>;

/** The request that registers and claims `ref`. */
export function registerRequest(ref: ExecutionRef, options: ExecutionOptions, workerId: string): RegisterRequest {
  return {
    kind: kindOf(ref.kind),
    id: ref.id,
    labels: { ...options.labels },
    listeners: (options.listeners ?? []).map((listener) =>
      typeof listener === "string" ? { type: listener } : { ...listener },
    ),
    ...(options.parent && { parent: refMessage(options.parent) }),
    claim: { workerId, leaseSeconds: options.leaseSeconds ?? 0 },
    detail: detailOf(options),
  };
}

function detailOf(options: ExecutionOptions): NonNullable<RegisterRequest["detail"]> {
  switch (options.kind) {
    case "process_instance":
      return { case: "processInstance", value: options.detail ?? {} };
    case "process":
      return { case: "process", value: options.detail ?? {} };
    case "workflow_instance":
      return { case: "workflowInstance", value: options.detail };
    case "assessment":
      return { case: "assessment", value: options.detail ?? {} };
    case "workflow_run":
      return { case: "workflowRun", value: options.detail ?? {} };
  }
}
