/** The mirror behind a port, with the interceptors of the RPC room. */
import type { Logger } from "pino";
import { CancellationService } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { interceptors } from "../../../src/rpc/routes.ts";
import type { Backend } from "./backend.ts";
import { createMirror, type Mirror } from "./mirror.ts";

/** @param onOpen told of the mirror */
export function mirrorBackend(onOpen: (mirror: Mirror) => void = () => undefined) {
  return async (logger: Logger): Promise<Backend> => {
    const mirror = createMirror();
    onOpen(mirror);
    const { routes, events, reached } = mirror;
    return {
      options: { routes, services: [CancellationService], interceptors: interceptors({ log: logger }) },
      events,
      reached,
      cancellationOf: (executionId) => `the mirror cancels nothing, and not ${executionId}`,
      close: async () => {},
    };
  };
}
