/** What the echo servers answer. */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type CancelProcessRequest,
  type CancelProcessResponse,
  CancelProcessResponseSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { Wire } from "../load/order.ts";

export interface EchoArguments {
  readonly wire: Wire;
  /** An answer of Belay's. */
  readonly sample: CancelProcessResponse;
}

/** Reads what `startEcho` starts this process with. */
export function readEchoArguments(): EchoArguments {
  const [, , wire, encoded] = process.argv;
  if ((wire !== "grpc" && wire !== "json") || encoded === undefined) {
    throw new Error("an echo server is started by the benchmark, with a wire and a sample");
  }
  return { wire, sample: fromBinary(CancelProcessResponseSchema, Buffer.from(encoded, "base64")) };
}

/** The sample, about the process that was asked about. */
export function echo(sample: CancelProcessResponse, { processId }: CancelProcessRequest): CancelProcessResponse {
  const { activeTarget, termination, cancellation } = sample;
  return {
    ...sample,
    ...(activeTarget && { activeTarget: { ...activeTarget, processId } }),
    ...(termination && { termination: { ...termination, processId } }),
    ...(cancellation?.execution && {
      cancellation: { ...cancellation, execution: { ...cancellation.execution, id: processId } },
    }),
  };
}
