/** The contract's unary RPCs, found by name. */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";

const SERVICES = [CancellationService, ExecutionService, WorkerService];

/** @param name for example "CancelProcess": no two services of the contract share the name of an RPC */
export function rpcNamed(name: string): DescMethodUnary {
  const method = SERVICES.flatMap((service) => [...service.methods]).find((candidate) => candidate.name === name);
  if (method === undefined || !isUnary(method)) throw new Error(`the contract has no unary RPC ${name}`);
  return method;
}

/** The path at which every protocol serves it: "/belay.v1.CancellationService/CancelProcess". */
export function pathOf(method: DescMethodUnary): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function isUnary(method: { readonly methodKind: string }): method is DescMethodUnary {
  return method.methodKind === "unary";
}
