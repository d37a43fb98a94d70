/** A worker that is attached and takes its stop orders, without doing anything: the executions of the benchmark are not real work. */
import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { AttachRequestSchema } from "../../gen/belay/v1/worker_service_pb.ts";
import { frame } from "./grpc_frame.ts";
import { WORKER_ID } from "./order.ts";

export interface AttachedWorker {
  detach(): Promise<void>;
}

/** Resolves when stop orders reach it. */
export async function attachWorker(url: string): Promise<AttachedWorker> {
  const session = connect(url);
  const stream = session.request({
    ":method": "POST",
    ":path": "/belay.v1.WorkerService/Attach",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  stream.end(frame(toBinary(AttachRequestSchema, create(AttachRequestSchema, { workerId: WORKER_ID }))));
  await once(stream, "data");
  stream.resume();
  return {
    detach: async () => {
      // Cutting the stream is how a worker leaves: it never ends by itself.
      session.destroy();
      await once(session, "close");
    },
  };
}
