/** A bare connect-node server over its stock adapter: gRPC over HTTP/2, or Connect's unary JSON over HTTP/1.1. */
import * as http from "node:http";
import * as http2 from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { echoAnswers, readEchoArguments } from "./echo_answers.ts";
import { listen } from "./listen.ts";

const { samples, wire } = readEchoArguments();
const { cancelProcess, getProcess, heartbeat } = echoAnswers(samples);
const adapter = connectNodeAdapter({
  routes: (router) =>
    router
      .service(CancellationService, { cancelProcess })
      .service(ExecutionService, { getProcess })
      .service(WorkerService, { heartbeat }),
});
await listen(wire === "grpc" ? http2.createServer(adapter) : http.createServer(adapter));
