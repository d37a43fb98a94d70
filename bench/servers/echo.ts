/** A server that answers every cancel at once and does nothing: what the libraries alone can do with the same messages. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { toBinary } from "@bufbuild/protobuf";
import { type CancelProcessResponse, CancelProcessResponseSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { nextMessage } from "../child_message.ts";
import type { Wire } from "../load/order.ts";
import type { Server } from "./server.ts";

const PROGRAMS = {
  "connect-node": new URL("./connect_echo.ts", import.meta.url),
  "grpc-js": new URL("./grpc_js_echo.ts", import.meta.url),
};

export type EchoLibrary = keyof typeof PROGRAMS;

/** Starts it in a process of its own, and resolves when it listens. Its answers are like `sample`, so of the same size. */
export async function startEcho(library: EchoLibrary, wire: Wire, sample: CancelProcessResponse): Promise<Server> {
  const encoded = Buffer.from(toBinary(CancelProcessResponseSchema, sample)).toString("base64");
  const child = fork(PROGRAMS[library], [wire, encoded]);
  const ended = once(child, "exit");
  return {
    url: await nextMessage(child),
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
