/** Executions to cancel, made with the API itself. */
import { randomUUID } from "node:crypto";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";

export interface Api {
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
  readonly cancellations: Client<typeof CancellationService>;
  close(): void;
}

export function api(address: string): Api {
  const sessionManager = new Http2SessionManager(address);
  const transport = createGrpcTransport({ baseUrl: address, sessionManager });
  return {
    executions: createClient(ExecutionService, transport),
    workers: createClient(WorkerService, transport),
    cancellations: createClient(CancellationService, transport),
    close: () => sessionManager.abort(),
  };
}

export interface Held {
  readonly id: string;
  readonly token: bigint;
  readonly workerId: string;
}

/** Registers a process that nobody runs. */
export async function pendingProcess({ executions }: Api): Promise<string> {
  const { execution } = await executions.registerExecution({ kind: Kind.PROCESS });
  return execution!.ref!.id;
}

/** Registers a process, held by a worker that does nothing by itself. */
export async function heldProcess({ executions }: Api, leaseSeconds = 60): Promise<Held> {
  const workerId = randomUUID();
  const { execution, lease } = await executions.registerExecution({
    kind: Kind.PROCESS,
    claim: { workerId, leaseSeconds },
  });
  return { id: execution!.ref!.id, token: lease!.token, workerId };
}

/** Reports that a held process has stopped. */
export async function reportStopped({ workers }: Api, { id, token }: Held): Promise<void> {
  await workers.reportStopped({ execution: { kind: Kind.PROCESS, id }, token, evidence: "seen by the test" });
}

/** A process instance whose cancellation waits for a listener that nobody works on. */
export async function instanceWithListener({ executions }: Api, type = "cleanup"): Promise<string> {
  const { execution } = await executions.registerExecution({
    kind: Kind.PROCESS_INSTANCE,
    listeners: [{ type, retries: 1 }],
  });
  return execution!.ref!.id;
}
