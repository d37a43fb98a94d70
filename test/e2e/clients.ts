/** Typed clients of a server, for what a test arranges and looks at. */
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";

export interface Clients {
  readonly cancellations: Client<typeof CancellationService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
}

export function clientsOver(transport: Transport): Clients {
  return {
    cancellations: createClient(CancellationService, transport),
    executions: createClient(ExecutionService, transport),
    workers: createClient(WorkerService, transport),
  };
}

export function clientsOf(url: string): Clients {
  return clientsOver(createGrpcTransport({ baseUrl: url }));
}
