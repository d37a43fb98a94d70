/** Real answers of Belay's, for the echo servers to repeat. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  CancellationService,
  type CancelProcessResponse,
  CancelProcessResponseSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import {
  ExecutionService,
  type GetProcessResponse,
  GetProcessResponseSchema,
} from "../../gen/belay/v1/execution_service_pb.ts";
import {
  type HeartbeatResponse,
  HeartbeatResponseSchema,
  WorkerService,
} from "../../gen/belay/v1/worker_service_pb.ts";
import { executionId } from "../load/execution_id.ts";
import { WORKER_ID } from "../load/order.ts";
import { cancelRequest, registerRequest } from "../load/request_bodies.ts";
import { FIRST_NUMBERS } from "../load/supply.ts";

export interface SampleAnswers {
  readonly cancel: CancelProcessResponse;
  readonly get: GetProcessResponse;
  readonly heartbeat: HeartbeatResponse;
}

/** Registers two executions with the Belay at `url`, and calls once what the benchmark calls. */
export async function sampleAnswers(url: string): Promise<SampleAnswers> {
  const transport = createGrpcTransport({ baseUrl: url });
  const executions = createClient(ExecutionService, transport);
  const pending = executionId(FIRST_NUMBERS.sample);
  const running = executionId(FIRST_NUMBERS.sample + 1);
  await executions.registerExecution(registerRequest(pending, "register_pending"));
  const { lease } = await executions.registerExecution(registerRequest(running, "register_running"));
  if (lease === undefined) throw new Error(`Belay gave no lease for ${running}`);
  const held = { execution: { kind: Kind.PROCESS, id: running }, token: lease.token };
  return {
    cancel: await createClient(CancellationService, transport).cancelProcess(cancelRequest(pending)),
    get: await executions.getProcess({ processId: running }),
    heartbeat: await createClient(WorkerService, transport).heartbeat({ workerId: WORKER_ID, leases: [held] }),
  };
}

/** As text, for a command line. */
export function encodeSamples({ cancel, get, heartbeat }: SampleAnswers): string {
  const encoded = [
    toBinary(CancelProcessResponseSchema, cancel),
    toBinary(GetProcessResponseSchema, get),
    toBinary(HeartbeatResponseSchema, heartbeat),
  ];
  return encoded.map((bytes) => Buffer.from(bytes).toString("base64")).join(",");
}

export function decodeSamples(text: string): SampleAnswers {
  const [cancel = "", get = "", heartbeat = ""] = text.split(",");
  return {
    cancel: fromBinary(CancelProcessResponseSchema, Buffer.from(cancel, "base64")),
    get: fromBinary(GetProcessResponseSchema, Buffer.from(get, "base64")),
    heartbeat: fromBinary(HeartbeatResponseSchema, Buffer.from(heartbeat, "base64")),
  };
}
