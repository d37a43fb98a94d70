/** A server that answers every call at once and does nothing: what the libraries alone can do with the same messages. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { nextMessage } from "../child_message.ts";
import type { Wire } from "../load/order.ts";
import { encodeSamples, type SampleAnswers } from "./sample_answers.ts";
import type { Server } from "./server.ts";

const PROGRAMS = {
  "connect-node": new URL("./connect_echo.ts", import.meta.url),
  "grpc-js": new URL("./grpc_js_echo.ts", import.meta.url),
  "node:http": new URL("./node_http_echo.ts", import.meta.url),
};

export type EchoLibrary = keyof typeof PROGRAMS;

/** Which bare servers there are on each wire: first what is most used to build such a service, then the fastest. */
export const ECHO_LIBRARIES: Readonly<Record<Wire, readonly EchoLibrary[]>> = {
  grpc: ["connect-node", "grpc-js"],
  json: ["connect-node", "node:http"],
};

/** Starts it in a process of its own, and resolves when it listens. Its answers are like the samples, so of the same size. */
export async function startEcho(library: EchoLibrary, wire: Wire, samples: SampleAnswers): Promise<Server> {
  const child = fork(PROGRAMS[library], [wire, encodeSamples(samples)]);
  const ended = once(child, "exit");
  return {
    url: await nextMessage(child),
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
