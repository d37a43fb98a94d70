/** The RPCs that are registered with Connect and have a lane, and what answers them. */
import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImplSpec,
} from "@connectrpc/connect";

export type UnaryMethod = Extract<MethodImplSpec, { kind: "unary" }>;

/** An RPC that answers with a stream. */
export type StreamMethod = Extract<MethodImplSpec, { kind: "server_streaming" }>;

/** Registers `routes` with the router. Returns those of its RPCs that have a lane, by their paths. */
export function registerRoutes(
  router: ConnectRouter,
  routes: (router: ConnectRouter) => void,
): ReadonlyMap<string, UnaryMethod | StreamMethod> {
  const methods = new Map<string, UnaryMethod | StreamMethod>();
  const note = (spec: MethodImplSpec): void => {
    const hasLane = spec.kind === "unary" || spec.kind === "server_streaming";
    if (hasLane) methods.set(`/${spec.method.parent.typeName}/${spec.method.name}`, spec);
  };
  routes({
    handlers: router.handlers,
    service(service, implementation, options) {
      router.service(service, implementation, options);
      for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) note(spec);
      return this;
    },
    rpc(method, implementation, options) {
      router.rpc(method, implementation, options);
      note(createMethodImplSpec(method, implementation));
      return this;
    },
  });
  return methods;
}
