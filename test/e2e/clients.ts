/** Typed clients of a server, for what a test arranges and looks at. */
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AuditService } from "../../gen/belay/v1/audit_service_pb.ts";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";

export interface Clients {
  readonly cancellations: Client<typeof CancellationService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly workers: Client<typeof WorkerService>;
  readonly keys: Client<typeof KeyService>;
  readonly audit: Client<typeof AuditService>;
}

export function clientsOver(transport: Transport): Clients {
  return {
    cancellations: createClient(CancellationService, transport),
    executions: createClient(ExecutionService, transport),
    workers: createClient(WorkerService, transport),
    keys: createClient(KeyService, transport),
    audit: createClient(AuditService, transport),
  };
}

/** @param key shown with every call, if given */
export function clientsOf(url: string, key?: string): Clients {
  const showKey: Interceptor = (next) => (call) => {
    if (key !== undefined) call.header.set("authorization", `Bearer ${key}`);
    return next(call);
  };
  return clientsOver(createGrpcTransport({ baseUrl: url, interceptors: [showKey] }));
}
