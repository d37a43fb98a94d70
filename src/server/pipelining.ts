/** Requests of HTTP/1.1 that are sent without waiting for the answers to those before. */
import { ServerResponse } from "node:http";
import { Http2ServerRequest } from "node:http2";
import type { Duplex } from "node:stream";
import type { RequestHandler } from "./exchange.ts";
import type { Limits } from "./limits.ts";

const underWay = new WeakMap<Duplex, Set<ServerResponse>>();

/** The answers that a connection of HTTP/1.1 still waits for. */
export function answersUnderWay(socket: Duplex): readonly ServerResponse[] {
  return [...(underWay.get(socket) ?? [])];
}

/** Cuts the connection of a client that sends requests without end and waits for no answer: Node starts them all at once. */
export function createPipeliningGuard({ maxPipelinedRequests }: Limits): RequestHandler {
  return ({ request, response }) => {
    if (request instanceof Http2ServerRequest || !(response instanceof ServerResponse)) return undefined;
    const { socket } = request;
    // Node goes on with what it has read already.
    if (socket.destroyed) return Promise.resolve();
    if (enter(socket, response) <= maxPipelinedRequests) return undefined;
    socket.destroy();
    return Promise.resolve();
  };
}

/** How many answers the connection waits for, with this one. */
function enter(socket: Duplex, response: ServerResponse): number {
  const responses = underWay.get(socket) ?? new Set();
  underWay.set(socket, responses);
  responses.add(response);
  response.on("close", () => responses.delete(response));
  return responses.size;
}
