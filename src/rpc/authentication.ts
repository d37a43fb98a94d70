/** Lets in the callers of RPCs that show a known key, in the header style of any of the products. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { authorize, WORKFLOWS_RUN } from "./authorization.ts";
import { callerKey } from "./caller.ts";
import { secretsOf } from "./credentials.ts";
import type { Keys } from "./keys.ts";

/** Load balancers have no keys, and the contract is public. Neither touches an execution. */
const OPEN: ReadonlySet<DescService> = new Set([Health, ServerReflection, ServerReflectionAlpha]);

/** What a key must permit, where an RPC asks for more than a key. */
const PERMISSIONS: ReadonlyMap<DescMethod, string> = new Map([
  [CancellationService.method.cancelWorkflowInstance, WORKFLOWS_RUN],
]);

/** Sets the caller of a call that came over the wire. Without configured keys, everybody is the same caller. */
export function authenticateCalls(keys: Keys): Interceptor {
  return (next) => async (call) => {
    if (!keys.isRequired || OPEN.has(call.service)) return next(call);
    const holder = await authorize(keys, secretsOf(call.header), PERMISSIONS.get(call.method) ?? null);
    call.contextValues.set(callerKey, { tenant: "default", principal: holder.name });
    return next(call);
  };
}
