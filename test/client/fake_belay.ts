import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl, type Transport } from "@connectrpc/connect";
import { type Cancellation, CancellationSchema, Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { type AttachResponseSchema, type StopSignal, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** The token of every lease that the fake grants. */
export const TOKEN = 7n;

export const CANCELLATION: Cancellation = create(CancellationSchema, {
  id: "c-1",
  strategy: Strategy.SOFT_THEN_FORCE,
  reason: "runaway",
  requestedBy: { system: "incident-bot", user: "ann" },
});

interface Call {
  readonly method: string;
  readonly request: unknown;
}

export interface FakeBelay {
  readonly transport: Transport;
  /** All calls so far, in order. */
  readonly calls: Call[];
  /** Resolves when the method has been called `times` times, this many in all. */
  called(method: string, times?: number): Promise<void>;
  /** Resolves when this many streams have been live, in all. */
  attached(times?: number): Promise<void>;
  /** Sends an order for process p-1 on the open stream, or on the next one. */
  order(signal: StopSignal, cancellation?: Cancellation, token?: bigint): void;
  /** Breaks the open stream. */
  breakStream(): void;
}

/** A server in memory that grants and records everything, but for the methods given here. */
export function fakeBelay(
  answers: {
    executions?: Partial<ServiceImpl<typeof ExecutionService>>;
    workers?: Partial<ServiceImpl<typeof WorkerService>>;
  } = {},
): FakeBelay {
  const calls: Call[] = [];
  const queue: MessageInitShape<typeof AttachResponseSchema>[] = [];
  const waiting = new Set<() => void>();
  let breaks = 0;
  let streams = 0;
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const change = () => new Promise<void>((resolve) => waiting.add(resolve));
  const lease = { token: TOKEN, leaseSeconds: 1 };

  const transport = createRouterTransport(
    ({ service }) => {
      service(CancellationService, { getCancellation: () => ({ cancellation: CANCELLATION }) });
      service(ExecutionService, {
        registerExecution: () => ({ lease }),
        completeExecution: () => ({}),
        failExecution: () => ({}),
        ...answers.executions,
      });
      service(WorkerService, {
        startExecution: () => ({ lease }),
        heartbeat: ({ leases }) => ({ leases: leases.map(({ execution }) => ({ ...(execution && { execution }) })) }),
        reportStopped: () => ({ execution: { cancellation: CANCELLATION } }),
        completeListenerJob: () => ({}),
        failListenerJob: () => ({}),
        async *attach(_, { signal }) {
          const breaksBefore = breaks;
          streams += 1;
          wake();
          signal.addEventListener("abort", wake);
          yield { message: { case: "attached", value: {} } };
          while (!signal.aborted) {
            for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
            if (breaks > breaksBefore) throw new ConnectError("the server went away", Code.Unavailable);
            await change();
          }
        },
        ...answers.workers,
      });
    },
    {
      transport: {
        interceptors: [
          (next) => (call) => {
            calls.push({ method: call.method.name, request: call.stream ? null : call.message });
            wake();
            return next(call);
          },
        ],
      },
    },
  );

  return {
    transport,
    calls,
    async called(method, times = 1) {
      while (calls.filter((call) => call.method === method).length < times) await change();
    },
    async attached(times = 1) {
      while (streams < times) await change();
    },
    order(signal, cancellation, token = TOKEN) {
      const execution = { kind: Kind.PROCESS, id: "p-1" };
      queue.push({
        message: { case: "stopOrder", value: { execution, token, signal, ...(cancellation && { cancellation }) } },
      });
      wake();
    },
    breakStream() {
      breaks += 1;
      wake();
    },
  };
}

/** A refusal as the server sends it. */
export function refused(code: Code, reason: string, metadata: Record<string, string> = {}): ConnectError {
  return new ConnectError(`refused: ${reason}`, code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: "belay.v1", metadata } },
  ]);
}

export function unavailable(): ConnectError {
  return new ConnectError("connect ECONNREFUSED", Code.Unavailable);
}
