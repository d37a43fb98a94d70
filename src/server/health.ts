/** grpc.health.v1: whether the server takes calls, for load balancers and orchestrators. */
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.ts";

export interface Health {
  readonly service: ServiceImpl<typeof HealthService>;
  /** Takes effect at once, for every service, and on every watch. */
  setServing(serving: boolean): void;
}

/** Speaks for `services` and, under the empty name, for the server as a whole. It is serving from the start. */
export function createHealth(services: readonly DescService[]): Health {
  const names = new Set(["", ...services.map((service) => service.typeName)]);
  let status: Status = Status.SERVING;
  const watches = new Set<() => void>();

  /** Resolves at the next change, or when nobody waits for it any more. */
  const changed = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        watches.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      watches.add(wake);
      signal.addEventListener("abort", wake);
    });

  return {
    setServing(serving) {
      status = serving ? Status.SERVING : Status.NOT_SERVING;
      for (const wake of watches) wake();
    },
    service: {
      check({ service }) {
        if (!names.has(service)) throw new ConnectError(`this server has no service "${service}"`, Code.NotFound);
        return { status };
      },
      async *watch({ service }, { signal }) {
        if (!names.has(service)) {
          // The protocol wants no error: the service could come later.
          yield { status: Status.SERVICE_UNKNOWN };
          while (!signal.aborted) await changed(signal);
          return;
        }
        let sent: Status | undefined;
        for (;;) {
          if (sent !== status) {
            sent = status;
            yield { status };
          } else if (signal.aborted) {
            return;
          } else {
            await changed(signal);
          }
        }
      },
      list() {
        return { statuses: Object.fromEntries([...names].map((name) => [name, { status }])) };
      },
    },
  };
}
