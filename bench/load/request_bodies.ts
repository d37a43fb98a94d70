/** The requests of the benchmark, encoded once: only the id differs from call to call, so that writing them costs the load little. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  CancellationService,
  type CancelProcessRequest,
  CancelProcessRequestSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import {
  ExecutionService,
  type RegisterExecutionRequest,
  RegisterExecutionRequestSchema,
} from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { type IdForm, idOf } from "./execution_id.ts";
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

/** The token of the first lease of an execution. */
const FIRST_TOKEN = 1n;

/** @param example a number of one of the executions: all ids are as long as its id */
export function repeatedRequest(call: CallType, wire: Wire, ids: IdForm, example: number): RepeatedRequest {
  const id = idOf(example, ids);
  const { method, request } = requestOf(call, id);
  const encoded =
    wire === "grpc" ? frame(toBinary(method.input, request)) : Buffer.from(toJsonString(method.input, request));
  const at = encoded.indexOf(id);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    body: (number) => {
      const body = Buffer.from(encoded);
      body.write(idOf(number, ids), at, "latin1");
      return body;
    },
  };
}

function requestOf(call: CallType, id: string): EncodableCall {
  switch (call) {
    case "cancel":
      return callOf(CancellationService.method.cancelProcess, cancelRequest(id));
    case "get":
      return callOf(
        ExecutionService.method.getProcess,
        create(ExecutionService.method.getProcess.input, { processId: id }),
      );
    case "heartbeat": {
      const execution = { kind: Kind.PROCESS, id };
      const { input } = WorkerService.method.heartbeat;
      const leases = [{ execution, token: FIRST_TOKEN }];
      return callOf(WorkerService.method.heartbeat, create(input, { workerId: WORKER_ID, leases }));
    }
    case "register_pending":
    case "register_running":
      return callOf(ExecutionService.method.registerExecution, registerRequest(id, call));
  }
}

interface EncodableCall {
  readonly method: DescMethod;
  readonly request: MessageShape<DescMessage>;
}

function callOf<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  request: MessageShape<I>,
): EncodableCall {
  return { method, request };
}

export function cancelRequest(processId: string): CancelProcessRequest {
  return create(CancelProcessRequestSchema, {
    processId,
    reason: "replaced by a newer order",
    requestedBy: { system: "benchmark", user: "somebody@example.com" },
    forceAfterSeconds: AN_HOUR,
  });
}

export function registerRequest(
  id: string,
  call: Extract<CallType, "register_pending" | "register_running">,
): RegisterExecutionRequest {
  return create(RegisterExecutionRequestSchema, {
    kind: Kind.PROCESS,
    id,
    ...(call === "register_running" && { claim: { workerId: WORKER_ID, leaseSeconds: AN_HOUR } }),
  });
}
