/** Executions in the states that tests begin with. */
import { randomInt, randomUUID } from "node:crypto";
import type { Cancellation } from "../../gen/belay/v1/cancellation_pb.ts";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Clients } from "./clients.ts";

/** Work that a worker runs. */
export interface Work {
  readonly ref: ExecutionRef;
  readonly workerId: string;
  readonly token: bigint;
}

export interface WorkOptions {
  /** The types of its listeners. */
  readonly listeners?: readonly string[];
  readonly parent?: ExecutionRef;
  /** In seconds. */
  readonly lease?: number;
  /** Left out: a new one. */
  readonly workerId?: string;
}

/** The workflow that every workflow instance of the tests belongs to. */
export const WORKFLOW_ID = "wf-1";

/** An id that no other execution has. */
export function newId(kind: Kind): string {
  return kind === Kind.PROCESS_INSTANCE ? `${Date.now()}${randomInt(1_000_000)}` : randomUUID();
}

/** Registers an execution and claims it. */
export async function startWork(
  { executions }: Clients,
  kind: Kind,
  { listeners = [], parent, lease = 15, workerId = randomUUID() }: WorkOptions = {},
): Promise<Work> {
  const answer = await executions.registerExecution({
    kind,
    id: newId(kind),
    listeners: listeners.map((type) => ({ type })),
    ...(parent !== undefined && { parent }),
    claim: { workerId, leaseSeconds: lease },
    detail:
      kind === Kind.WORKFLOW_INSTANCE
        ? { case: "workflowInstance", value: { workflowId: WORKFLOW_ID } }
        : { case: undefined },
  });
  return { ref: answer.execution!.ref!, workerId, token: answer.lease!.token };
}

/** Work that has completed. */
export async function finishedWork(clients: Clients, kind: Kind): Promise<Work> {
  const work = await startWork(clients, kind);
  await clients.executions.completeExecution({ execution: work.ref, token: work.token });
  return work;
}

/** Work that has been cancelled, and is proven to have stopped. */
export async function cancelledWork(clients: Clients, kind: Kind): Promise<Work> {
  const work = await startWork(clients, kind);
  const [answer] = await Promise.all([cancel(clients, work.ref, Strategy.HARD), stopWhenTold(clients, work)]);
  await untilEnded(clients, answer.id);
  return work;
}

/** Cancels an execution of any kind. */
export async function cancel(
  clients: Clients,
  execution: ExecutionRef,
  strategy: Strategy,
  forceAfterSeconds = 10,
): Promise<Cancellation> {
  const { cancellation } = await callCancel(clients, execution, {
    reason: "wrong input",
    requestedBy: { system: "test" },
    strategy,
    forceAfterSeconds,
  });
  return cancellation!;
}

function callCancel(
  { cancellations }: Clients,
  { kind, id }: ExecutionRef,
  request: { reason: string; requestedBy: { system: string }; strategy: Strategy; forceAfterSeconds: number },
): Promise<{ cancellation?: Cancellation | undefined }> {
  switch (kind) {
    case Kind.PROCESS_INSTANCE:
      return cancellations.cancelProcessInstance({ ...request, processInstanceKey: id });
    case Kind.PROCESS:
      return cancellations.cancelProcess({ ...request, processId: id });
    case Kind.WORKFLOW_INSTANCE:
      return cancellations.cancelWorkflowInstance({ ...request, workflowId: WORKFLOW_ID, instanceId: id });
    case Kind.ASSESSMENT:
      return cancellations.cancelAssessmentWorkflow({ ...request, assessmentId: id });
    default:
      return cancellations.cancelWorkflowRun({ ...request, runId: id });
  }
}

/** Reports the work as stopped as soon as its worker is told to stop it. */
export async function stopWhenTold(clients: Clients, { ref, workerId, token }: Work): Promise<void> {
  for await (const { message } of clients.workers.attach({ workerId })) {
    if (message.case !== "stopOrder") continue;
    await clients.workers.reportStopped({ execution: ref, token, evidence: "the work has stopped" });
    return;
  }
}

export async function untilEnded({ cancellations }: Clients, cancellationId: string): Promise<Cancellation> {
  for await (const _event of cancellations.watchCancellation({ cancellationId })) {
    // The stream ends with the cancellation.
  }
  const { cancellation } = await cancellations.getCancellation({ cancellationId });
  return cancellation!;
}
