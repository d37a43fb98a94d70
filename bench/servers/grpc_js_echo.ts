/** A bare @grpc/grpc-js server. It reads and writes messages with the same library as the others, so that the transports compare. */
import { promisify } from "node:util";
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, type MethodDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { announce } from "./announce.ts";
import { echoAnswers, readEchoArguments } from "./echo_answers.ts";

const { samples } = readEchoArguments();
const { cancelProcess, getProcess, heartbeat } = echoAnswers(samples);
const server = new Server();
serve(CancellationService.method.cancelProcess, cancelProcess);
serve(ExecutionService.method.getProcess, getProcess);
serve(WorkerService.method.heartbeat, heartbeat);
const bind = promisify(server.bindAsync.bind(server));
announce(await bind("127.0.0.1:0", ServerCredentials.createInsecure()));

function serve<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
  answer: (request: MessageShape<I>) => MessageShape<O>,
): void {
  const definition: MethodDefinition<MessageShape<I>, MessageShape<O>> = {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (request) => Buffer.from(toBinary(method.input, request)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (response) => Buffer.from(toBinary(method.output, response)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
  const handle: handleUnaryCall<MessageShape<I>, MessageShape<O>> = ({ request }, done) => done(null, answer(request));
  server.addService({ [method.name]: definition }, { [method.name]: handle });
}
