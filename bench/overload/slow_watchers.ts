/** Watchers that never read: they open their streams, and then take nothing more from the network. */
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { setTimeout as passed } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService, WatchExecutionRequestSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { executionId } from "../load/execution_id.ts";
import { frame } from "../load/grpc_frame.ts";

export interface SlowWatchers {
  leave(): void;
}

/** The most that one connection may carry is more; so many clients share one in practice. */
const STREAMS_PER_CONNECTION = 50;

/** Watches are the first calls to be refused. In milliseconds. */
const ASK_AGAIN_AFTER = 1_000;

const { watchExecution } = ExecutionService.method;
const PATH = `/${watchExecution.parent.typeName}/${watchExecution.name}`;

/** Resolves when all of them watch the execution of this number. */
export async function attachSlowWatchers(url: string, count: number, number: number): Promise<SlowWatchers> {
  const { hostname, port } = new URL(url);
  const execution = { kind: Kind.PROCESS, id: executionId(number) };
  const body = frame(toBinary(WatchExecutionRequestSchema, create(WatchExecutionRequestSchema, { execution })));
  const sessions: ClientHttp2Session[] = [];
  for (let left = count; left > 0; left -= STREAMS_PER_CONNECTION) {
    const socket = connectTcp(Number(port), hostname);
    const session = connectHttp2(url, { createConnection: () => socket });
    // The server may cut off a client that does not read.
    session.on("error", () => undefined);
    sessions.push(session);
    for (let opened = 0; opened < Math.min(left, STREAMS_PER_CONNECTION); opened += 1) {
      while (!(await watch(session, body))) await passed(ASK_AGAIN_AFTER);
    }
    socket.pause();
  }
  return {
    leave: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

/** Whether the stream was opened: its first event tells. */
function watch(session: ClientHttp2Session, body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = session.request({
      ":method": "POST",
      ":path": PATH,
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    stream.once("data", () => {
      stream.pause();
      resolve(true);
    });
    stream.on("close", () => resolve(false));
    stream.end(body);
  });
}
