/** One real answer of Belay's, for the echo servers to repeat. */
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CancellationService, type CancelProcessResponse } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { executionId } from "../load/execution_id.ts";
import { cancelRequest, registerRequest } from "../load/request_bodies.ts";

/** Registers the execution of this number with the Belay at `url`, and cancels it: there is nothing to stop. */
export async function sampleAnswer(url: string, number: number): Promise<CancelProcessResponse> {
  const transport = createGrpcTransport({ baseUrl: url });
  const id = executionId(number);
  await createClient(ExecutionService, transport).registerExecution(registerRequest(id, "register_pending"));
  return createClient(CancellationService, transport).cancelProcess(cancelRequest(id));
}
