/** Which scopes let a caller in, as the contract declares it. */
import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { scopes } from "../../gen/belay/v1/scopes_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { isScope, type Scope } from "../gate/scope.ts";

/** Load balancers have no keys, and the contract is public. Neither touches an execution. */
const OPEN: ReadonlySet<DescService> = new Set([Health, ServerReflection, ServerReflectionAlpha]);

const declared = new WeakMap<DescMethod, readonly Scope[]>();

/** Any one of them is enough; none at all lets nobody in. Null: no credentials are needed. */
export function scopesOf(method: DescMethod): readonly Scope[] | null {
  if (OPEN.has(method.parent)) return null;
  let found = declared.get(method);
  if (found === undefined) {
    // Kept, because reading an option decodes it anew each time.
    found = getOption(method, scopes).filter(isScope);
    declared.set(method, found);
  }
  return found;
}
