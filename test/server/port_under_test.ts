/** A port in front of handlers that do as they are told, and the lines that it logs. */
import { EventEmitter, once } from "node:events";
import { Writable } from "node:stream";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Refused, refusal } from "../../src/domain/refusal.ts";
import { interceptors } from "../../src/rpc/routes.ts";
import { type Port, type PortOptions, startPort } from "../../src/server/port.ts";

/** A request that every rule accepts. Its process tells the handler below what to do. */
export function cancelProcess(processId: string, more: Record<string, unknown> = {}) {
  return { processId, reason: "a test", requestedBy: { system: "tests" }, ...more };
}

export const CANCEL_PROCESS = "/belay.v1.CancellationService/CancelProcess";
export const GET_CANCELLATION = "/belay.v1.CancellationService/GetCancellation";

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly method: string;
  readonly protocol: string;
  readonly http_status?: number;
  readonly code: string;
  readonly duration_ms: number;
  readonly request_id: string;
  readonly err?: { readonly message: string };
}

export interface PortUnderTest extends Port {
  /** Emits "reached" with the process whenever the handler of CancelProcess begins, and "left" with the reason if its signal aborts. */
  readonly handlers: EventEmitter;
  /** Lets the handler of process "waits" answer. */
  release(): void;
  /** The next log line of a request that fits, or the first that was logged before. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
}

/** Closed when the test is over. */
export async function openPort(options: Partial<PortOptions> = {}): Promise<PortUnderTest> {
  const lines: LogLine[] = [];
  const log = new EventEmitter();
  const logger = pino(
    { level: "debug" },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()));
        log.emit("line");
        done();
      },
    }),
  );
  const handlers = new EventEmitter();
  const released = Promise.withResolvers<void>();
  const port = await startPort({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    routes: (router: ConnectRouter) => router.service(CancellationService, obedient(handlers, released.promise)),
    services: [CancellationService],
    interceptors: interceptors({ log: logger }),
    corsOrigins: [],
    shutdownGrace: 0,
    logger,
    ...options,
  });
  onTestFinished(() => port.close());
  return {
    ...port,
    handlers,
    release: () => released.resolve(),
    async logged(fits) {
      for (;;) {
        const line = lines.find(fits);
        if (line !== undefined) return line;
        await once(log, "line");
      }
    },
  };
}

function obedient(handlers: EventEmitter, released: Promise<void>): Partial<ServiceImpl<typeof CancellationService>> {
  return {
    async cancelProcess({ processId, reason }, { signal }) {
      signal.addEventListener("abort", () => handlers.emit("left", signal.reason));
      handlers.emit("reached", processId);
      switch (processId) {
        case "missing":
          throw new Refused(refusal("execution_not_found", "no such process", { kind: "process", id: processId }));
        case "waits":
          await released;
          break;
        case "stuck":
          await new Promise(() => {});
          break;
        case "faulty":
          throw new Error("the secret of the store");
      }
      return { status: CancelProcessStatus.CANCEL_REQUESTED, activeQueueItemIds: [reason] };
    },
    getCancellation({ cancellationId }) {
      return { cancellation: { id: cancellationId } };
    },
    listCancellations({ pageToken }) {
      // The token says how many bytes to answer.
      return { cancellations: [{ reason: "x".repeat(Number(pageToken)) }] };
    },
    async *watchCancellation({ cancellationId }, { signal }) {
      yield { event: { sequence: 1n, type: EventType.UNSPECIFIED, message: "watching" } };
      if (cancellationId === "stuck") await new Promise(() => {});
      if (!signal.aborted) await once(signal, "abort");
    },
  };
}
