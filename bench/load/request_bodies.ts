/** The requests of the benchmark, encoded once: only the id differs from call to call, so that writing them costs the load little. */
import { create, type DescMessage, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { type CancelProcessRequest, CancelProcessRequestSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import {
  type RegisterExecutionRequest,
  RegisterExecutionRequestSchema,
} from "../../gen/belay/v1/execution_service_pb.ts";
import { executionId } from "./execution_id.ts";
import { frame } from "./grpc_frame.ts";
import { type CallType, type Wire, WORKER_ID } from "./order.ts";

/** What is called again and again. */
export interface RepeatedRequest {
  readonly path: string;
  /** Makes the body for the execution of this number. */
  readonly body: (number: number) => Buffer;
}

/** Longer than any run, so that no timer and no lease ends inside a measurement. In seconds. */
const AN_HOUR = 3600;

const PLACEHOLDER = executionId(0);

export function repeatedRequest(call: CallType, wire: Wire): RepeatedRequest {
  if (call === "cancel") {
    return {
      path: "/belay.v1.CancellationService/CancelProcess",
      body: template(encode(CancelProcessRequestSchema, cancelRequest(PLACEHOLDER), wire)),
    };
  }
  return {
    path: "/belay.v1.ExecutionService/RegisterExecution",
    body: template(encode(RegisterExecutionRequestSchema, registerRequest(PLACEHOLDER, call), wire)),
  };
}

export function cancelRequest(processId: string): CancelProcessRequest {
  return create(CancelProcessRequestSchema, {
    processId,
    reason: "replaced by a newer order",
    requestedBy: { system: "benchmark", user: "somebody@example.com" },
    forceAfterSeconds: AN_HOUR,
  });
}

export function registerRequest(id: string, call: Exclude<CallType, "cancel">): RegisterExecutionRequest {
  return create(RegisterExecutionRequestSchema, {
    kind: Kind.PROCESS,
    id,
    ...(call === "register_running" && { claim: { workerId: WORKER_ID, leaseSeconds: AN_HOUR } }),
  });
}

function encode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>, wire: Wire): Buffer {
  return wire === "grpc" ? frame(toBinary(schema, message)) : Buffer.from(toJsonString(schema, message));
}

function template(encoded: Buffer): RepeatedRequest["body"] {
  const at = encoded.indexOf(PLACEHOLDER);
  return (number) => {
    const body = Buffer.from(encoded);
    body.write(executionId(number), at, "latin1");
    return body;
  };
}
