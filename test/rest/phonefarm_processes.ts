/** Processes of PhoneFarm that tests begin with. */
import { randomUUID } from "node:crypto";
import { QueueItemState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Clients } from "../e2e/clients.ts";
import type { Work } from "../e2e/work.ts";

/** The request of the public documentation. */
export const REQUEST = {
  reason: "operator requested stop",
  strategy: "soft_then_force",
  force_after_seconds: 10,
  requested_by: { system: "ugc-tracker", user: "operator@example.com", metadata: {} },
};

export interface DocumentedProcess {
  readonly id: string;
  /** Its one queue item. */
  readonly item: string;
}

/** The process of the public documentation: one queue item, and nobody works on it. */
export async function registerDocumented({ executions }: Clients): Promise<DocumentedProcess> {
  const [id, item] = [randomUUID(), randomUUID()];
  await executions.registerExecution({
    kind: Kind.PROCESS,
    id,
    queueItems: [{ id: item }],
    detail: {
      case: "process",
      value: {
        processType: "keyword_warmup",
        requestId: "warmup-2026-03-22-001",
        target: { phoneId: "phone_01", accountId: "account_user095916355", capabilityRequestId: id },
        requestedBy: { system: "ugc-tracker", user: "operator@example.com", metadata: { shift: "night" } },
        callback: { url: "http://127.0.0.1:9/ended", metadata: { environment: "production" } },
        linkedIds: { batch: "b-1" },
      },
    },
  });
  return { id, item };
}

export interface StartedProcess extends Work {
  readonly id: string;
}

/** A process of which one queue item waits and one is worked on, in a container. */
export async function startProcess({ executions }: Clients): Promise<StartedProcess> {
  const workerId = randomUUID();
  const { execution, lease } = await executions.registerExecution({
    kind: Kind.PROCESS,
    claim: { workerId },
    queueItems: [{ id: "waiting" }, { id: "working", state: QueueItemState.EXECUTING }],
    detail: { case: "process", value: { container: "c0ffee", target: { phoneId: "phone_01" } } },
  });
  const ref = execution!.ref!;
  return { id: ref.id, ref, workerId, token: lease!.token };
}
