/** Writes a response of Connect to the connection, as fast as the client reads. */
import { IncomingMessage, ServerResponse } from "node:http";
import { constants, Http2ServerResponse } from "node:http2";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Millis } from "../domain/time.ts";
import type { Exchange, NodeRequest, NodeResponse } from "./exchange.ts";

export type UniversalResponse = Awaited<ReturnType<UniversalHandler>>;

// How long a client that was answered already may go on sending.
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
const MAX_DISCARD_TIME: Millis = 2_000;

/** Resolves when everything is handed over, or the client has gone. Rejects if the body could not be made: the response is cut then. */
export async function writeResponse({ request, response }: Exchange, from: UniversalResponse): Promise<void> {
  try {
    for await (const chunk of from.body ?? []) {
      // Not earlier: a handler may still set headers until its first message.
      if (!response.headersSent) response.writeHead(from.status, nodeHeaders(from.header));
      if (!(await write(response, chunk))) return;
    }
  } catch (reason) {
    cut(response);
    throw reason;
  }
  if (isClosed(response)) return;
  if (!response.headersSent) response.writeHead(from.status, nodeHeaders(from.header));
  if (from.trailer !== undefined) response.addTrailers(nodeHeaders(from.trailer));
  response.end(() => discardRest(request));
}

/** Whether the client is still there. */
async function write(response: NodeResponse, chunk: Uint8Array): Promise<boolean> {
  if (isClosed(response)) return false;
  if (response.write(chunk)) return true;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve);
  response.once("close", resolve);
  await promise;
  response.off("drain", resolve);
  response.off("close", resolve);
  return !isClosed(response);
}

function isClosed(response: NodeResponse): boolean {
  if (response instanceof Http2ServerResponse) return response.stream.destroyed;
  return response instanceof ServerResponse && response.destroyed;
}

/** Lets the client see that the response is not complete. */
function cut(response: NodeResponse): void {
  if (response instanceof Http2ServerResponse) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  if (response instanceof ServerResponse) response.destroy();
}

/**
 * Reads past what is left of a request that is answered: it stands in the way of the next one, and a client that still sends would not
 * see its answer if the connection closed under it.
 */
function discardRest(request: NodeRequest): void {
  const isOver = request instanceof IncomingMessage ? request.complete : request.stream.readableEnded;
  if (isOver) return;
  const enough = (): void => {
    if (request instanceof IncomingMessage) request.socket.destroy();
    else request.stream.close(constants.NGHTTP2_NO_ERROR);
  };
  const timer = setTimeout(enough, MAX_DISCARD_TIME);
  let discarded = 0;
  request.on("data", (chunk: Uint8Array) => {
    discarded += chunk.byteLength;
    if (discarded > MAX_DISCARDED_BYTES) enough();
  });
  request.on("close", () => clearTimeout(timer));
  request.resume();
}

function nodeHeaders(headers: Headers | undefined): Record<string, string> {
  return Object.fromEntries(headers ?? []);
}
