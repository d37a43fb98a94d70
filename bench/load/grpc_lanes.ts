/** gRPC calls straight on Node's HTTP/2, without a gRPC library that would be slower than what it measures. */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type Lane, type Lanes, NO_ANSWER } from "./lane.ts";

/** Opens the connections, with so many lanes on each. */
export async function openGrpcLanes(url: string, path: string, connections: number, streams: number): Promise<Lanes> {
  const sessions = Array.from({ length: connections }, () => connect(url));
  await Promise.all(sessions.map((session) => once(session, "connect")));
  const lanes = Array.from({ length: streams }, () => sessions.map((session) => lane(session, path)));
  return {
    all: lanes.flat(),
    close: async () => {
      await Promise.all(sessions.map((session) => new Promise<void>((closed) => session.close(closed))));
    },
  };
}

function lane(session: ClientHttp2Session, path: string): Lane {
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
  };
  return {
    call: (body, done) => {
      const stream = session.request(headers);
      let answer = NO_ANSWER;
      let grpcStatus: unknown;
      let failure: Error | null = null;
      // A call that fails before it has an answer says so in its headers.
      stream.on("response", (received) => {
        grpcStatus = received["grpc-status"];
      });
      stream.on("trailers", (received) => {
        grpcStatus = received["grpc-status"];
      });
      stream.on("data", (chunk: Buffer) => {
        answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
      });
      stream.on("error", (error) => {
        failure = error;
      });
      stream.on("close", () => {
        failure ??= grpcStatus === "0" ? null : new Error(`${path} answered grpc-status ${String(grpcStatus)}`);
        done(failure, answer);
      });
      stream.end(body);
    },
  };
}
