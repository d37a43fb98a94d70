/** Very many attached workers, on few connections and in this process: what they cost the server is measured, not what they cost here. */
import { setTimeout } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { AttachRequestSchema, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { frame } from "../load/grpc_frame.ts";
import { type Http2Connection, openHttp2 } from "../load/http2/connection.ts";

export interface AttachedWorkers {
  detach(): Promise<void>;
}

/** Of Belay's limit. */
const WORKERS_PER_CONNECTION = 1_000;

/** How many attach at once. */
const GROUP = 250;

/** Between two groups, in milliseconds: the server refuses calls of which thousands begin in the same half second. */
const PAUSE = 40;

const { method, typeName } = WorkerService;
const PATH = `/${typeName}/${method.attach.name}`;

/** Attaches `worker-0` to `worker-${count - 1}`. Resolves when Belay has said to each that its stop orders reach it. */
export async function attachWorkers(url: string, count: number): Promise<AttachedWorkers> {
  const connections: Http2Connection[] = [];
  for (let first = 0; first < count; first += WORKERS_PER_CONNECTION) {
    const connection = await openHttp2(url);
    connections.push(connection);
    const end = Math.min(count, first + WORKERS_PER_CONNECTION);
    for (let next = first; next < end; next += GROUP) {
      const size = Math.min(GROUP, end - next);
      await Promise.all(Array.from({ length: size }, (_, index) => attach(connection, `worker-${next + index}`)));
      await setTimeout(PAUSE);
    }
  }
  return {
    detach: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

/** Settled by the first message; that the stream ends when the connection does is no news then. */
function attach(connection: Http2Connection, workerId: string): Promise<void> {
  const body = frame(toBinary(AttachRequestSchema, create(AttachRequestSchema, { workerId })));
  return new Promise((resolve, reject) => {
    connection.follow(PATH, body, resolve, (error) => reject(error ?? new Error(`the stream of ${workerId} ended`)));
  });
}
