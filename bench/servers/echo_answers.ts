/** What the echo servers answer: the samples, about the execution that was asked about. */
import type { CancelProcessRequest, CancelProcessResponse } from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { GetProcessRequest, GetProcessResponse } from "../../gen/belay/v1/execution_service_pb.ts";
import type { HeartbeatRequest, HeartbeatResponse } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Wire } from "../load/order.ts";
import { decodeSamples, type SampleAnswers } from "./sample_answers.ts";

export interface EchoAnswers {
  readonly cancelProcess: (request: CancelProcessRequest) => CancelProcessResponse;
  readonly getProcess: (request: GetProcessRequest) => GetProcessResponse;
  readonly heartbeat: (request: HeartbeatRequest) => HeartbeatResponse;
}

export interface EchoArguments {
  readonly wire: Wire;
  readonly samples: SampleAnswers;
}

/** Reads what `startEcho` starts this process with. */
export function readEchoArguments(): EchoArguments {
  const [, , wire, encoded] = process.argv;
  if ((wire !== "grpc" && wire !== "json") || encoded === undefined) {
    throw new Error("an echo server is started by the benchmark, with a wire and samples");
  }
  return { wire, samples: decodeSamples(encoded) };
}

export function echoAnswers({ cancel, get, heartbeat }: SampleAnswers): EchoAnswers {
  return {
    cancelProcess: ({ processId }) => {
      const { activeTarget, termination, cancellation } = cancel;
      return {
        ...cancel,
        ...(activeTarget && { activeTarget: { ...activeTarget, processId } }),
        ...(termination && { termination: { ...termination, processId } }),
        ...(cancellation?.execution && {
          cancellation: { ...cancellation, execution: { ...cancellation.execution, id: processId } },
        }),
      };
    },
    getProcess: ({ processId }) => {
      const { process } = get;
      const { execution } = process ?? {};
      if (process === undefined || execution?.ref === undefined) return get;
      return { ...get, process: { ...process, execution: { ...execution, ref: { ...execution.ref, id: processId } } } };
    },
    heartbeat: ({ leases: [asked] }) => {
      const [lease] = heartbeat.leases;
      if (lease === undefined || asked?.execution === undefined) return heartbeat;
      return { ...heartbeat, leases: [{ ...lease, execution: asked.execution }] };
    },
  };
}
