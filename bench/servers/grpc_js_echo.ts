/** A bare @grpc/grpc-js server. It reads and writes messages with the same library as the others, so that the transports compare. */
import { promisify } from "node:util";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, type MethodDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import {
  type CancelProcessRequest,
  CancelProcessRequestSchema,
  type CancelProcessResponse,
  CancelProcessResponseSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { announce } from "./announce.ts";
import { echo, readEchoArguments } from "./echo_answer.ts";

const { sample } = readEchoArguments();
const definition: MethodDefinition<CancelProcessRequest, CancelProcessResponse> = {
  path: "/belay.v1.CancellationService/CancelProcess",
  requestStream: false,
  responseStream: false,
  requestSerialize: (request) => Buffer.from(toBinary(CancelProcessRequestSchema, request)),
  requestDeserialize: (bytes) => fromBinary(CancelProcessRequestSchema, bytes),
  responseSerialize: (response) => Buffer.from(toBinary(CancelProcessResponseSchema, response)),
  responseDeserialize: (bytes) => fromBinary(CancelProcessResponseSchema, bytes),
};
const cancelProcess: handleUnaryCall<CancelProcessRequest, CancelProcessResponse> = ({ request }, done) =>
  done(null, echo(sample, request));

const server = new Server();
server.addService({ cancelProcess: definition }, { cancelProcess });
const bind = promisify(server.bindAsync.bind(server));
announce(await bind("127.0.0.1:0", ServerCredentials.createInsecure()));
