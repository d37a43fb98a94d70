/** A bare connect-node server over its stock adapter: gRPC over HTTP/2, or Connect's unary JSON over HTTP/1.1. */
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { announce } from "./announce.ts";
import { echo, readEchoArguments } from "./echo_answer.ts";

const { sample, wire } = readEchoArguments();
const adapter = connectNodeAdapter({
  routes: (router) => router.service(CancellationService, { cancelProcess: (request) => echo(sample, request) }),
});
const server = wire === "grpc" ? http2.createServer(adapter) : http.createServer(adapter);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error(`not a TCP address: ${address}`);
announce(address.port);
