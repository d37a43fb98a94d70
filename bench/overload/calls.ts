/** The calls of the overload benchmark, encoded once: only the id differs from call to call. */
import { create, type DescMessage, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { executionId } from "../load/execution_id.ts";
import { frame } from "../load/grpc_frame.ts";
import { WORKER_ID } from "../load/order.ts";
import { cancelRequest, registerRequest } from "../load/request_bodies.ts";
import type { CallClass } from "./order.ts";

export interface EncodedCall {
  readonly path: string;
  /** Makes the framed body for the execution of this number. */
  readonly body: (number: number) => Buffer;
}

const ID = executionId(0);
const PAGE_SIZE = 100;

export const CALLS: Readonly<Record<CallClass, EncodedCall>> = {
  cancel: encode(CancellationService.method.cancelProcess, cancelRequest(ID)),
  report: encode(WorkerService.method.heartbeat, {
    workerId: WORKER_ID,
    leases: [{ execution: { kind: Kind.PROCESS, id: ID }, token: 1n }],
  }),
  register: encode(ExecutionService.method.registerExecution, registerRequest(ID, "register_pending")),
  get: encode(ExecutionService.method.getProcess, { processId: ID }),
  list: encode(ExecutionService.method.listProcesses, { pageSize: PAGE_SIZE }),
};

function encode<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  request: MessageInitShape<I>,
): EncodedCall {
  const encoded = frame(toBinary(method.input, create(method.input, request)));
  const at = encoded.indexOf(ID);
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    body(number) {
      if (at < 0) return encoded;
      const body = Buffer.from(encoded);
      body.write(executionId(number), at, "latin1");
      return body;
    },
  };
}
