/** Writes a response of Connect to the connection, as fast as the client reads. */
import { IncomingMessage, ServerResponse } from "node:http";
import { constants, Http2ServerResponse } from "node:http2";
import { createAsyncIterable, type UniversalHandler } from "@connectrpc/connect/protocol";
import type { Millis } from "../domain/time.ts";
import { type Exchange, isEncrypted, type NodeRequest, type NodeResponse } from "./exchange.ts";
import { creditBody } from "./flood_meter.ts";
import { encodeGrpcMessage } from "./grpc_message.ts";
import { securityHeaders } from "./security_headers.ts";

export type UniversalResponse = Awaited<ReturnType<UniversalHandler>>;

export interface WholeResponse {
  readonly status: number;
  /** Names and values, in the order in which they are sent. */
  readonly header: Record<string, string>;
  /** Null: none. */
  readonly body: Uint8Array | null;
  /** Null: none. */
  readonly trailer: Record<string, string> | null;
}

// How long a client that was answered already may go on sending.
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
const MAX_DISCARD_TIME: Millis = 2_000;

// A client that reads slowly shall be seen to read: what it takes none of in `stallTimeout` is no more than this.
const PIECE_BYTES = 64 * 1024;

/**
 * Resolves when everything is handed over, or the client has gone or takes nothing more. Rejects if the body could not be made: the
 * response is cut then.
 */
export async function writeResponse(exchange: Exchange, from: UniversalResponse): Promise<void> {
  const { request, response } = exchange;
  try {
    // A HEAD is answered without the body that it tells of: over HTTP/2 Node takes none, and never says that it could take more.
    for await (const chunk of request.method === "HEAD" ? [] : (from.body ?? [])) {
      // Not earlier: a handler may still set headers until its first message.
      if (!response.headersSent) response.writeHead(from.status, headersOf(request, from.header));
      if (!(await write(exchange, chunk))) return;
    }
  } catch (reason) {
    cut(response, constants.NGHTTP2_INTERNAL_ERROR);
    throw reason;
  }
  if (isClosed(response)) return;
  if (!response.headersSent) response.writeHead(from.status, headersOf(request, from.header));
  if (from.trailer !== undefined) response.addTrailers(nodeHeaders(from.trailer));
  end(exchange, null);
}

/** Writes a response that is there as a whole. Resolves as `writeResponse` does. */
export async function writeWhole(exchange: Exchange, from: WholeResponse): Promise<void> {
  const { request, response } = exchange;
  const { status, header, body, trailer } = from;
  if (body !== null && body.byteLength > PIECE_BYTES) {
    const [all, after] = [new Headers(header), new Headers(trailer ?? [])];
    const pieces = createAsyncIterable([body]);
    await writeResponse(exchange, { status, header: all, body: pieces, ...(trailer !== null && { trailer: after }) });
    return;
  }
  if (isClosed(response)) return;
  response.writeHead(status, withSecurityHeaders(request, header));
  if (trailer !== null) response.addTrailers(trailer);
  end(exchange, body);
}

/** @param last what is still to be sent; null: nothing */
export function end({ request, response, stallTimeout }: Exchange, last: Uint8Array | null): void {
  const stalled = setTimeout(cut, stallTimeout, response, constants.NGHTTP2_CANCEL);
  // Not when it is written: then it may still be in this process, and wait for a client that takes nothing.
  response.once("close", () => clearTimeout(stalled));
  const onSent = (): void => discardRest(request);
  if (last === null) response.end(onSent);
  else response.end(last, onSent);
}

/** Whether the client is still there. */
export async function write({ response, stallTimeout, call }: Exchange, chunk: Uint8Array): Promise<boolean> {
  for (const piece of piecesOf(chunk)) {
    if (isClosed(response)) return false;
    const isTaken = response.write(piece);
    call.onBegun();
    if (!isTaken) await drained(response, stallTimeout);
  }
  return !isClosed(response);
}

/** A view of each piece would take as much memory as a small one does, for as long as it waits. */
function* piecesOf(chunk: Uint8Array): Generator<Uint8Array> {
  if (chunk.byteLength <= PIECE_BYTES) {
    yield chunk;
    return;
  }
  for (let start = 0; start < chunk.byteLength; start += PIECE_BYTES) yield chunk.subarray(start, start + PIECE_BYTES);
}

/** Resolves when the client has taken what was written, or its connection has closed; that of one who takes nothing is cut. */
async function drained(response: NodeResponse, stallTimeout: Millis): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stalled = setTimeout(cut, stallTimeout, response, constants.NGHTTP2_CANCEL);
  response.once("drain", resolve);
  response.once("close", resolve);
  await promise;
  clearTimeout(stalled);
  response.off("drain", resolve);
  response.off("close", resolve);
}

export function isClosed(response: NodeResponse): boolean {
  if (response instanceof Http2ServerResponse) return response.stream.destroyed;
  return response instanceof ServerResponse && response.destroyed;
}

/** Lets the client see that the response is not complete. */
function cut(response: NodeResponse, code: number): void {
  if (response instanceof Http2ServerResponse) response.stream.close(code);
  if (response instanceof ServerResponse) response.destroy();
}

/**
 * Reads past what is left of a request that is answered: it stands in the way of the next one, and a client that still sends would not
 * see its answer if the connection closed under it.
 */
export function discardRest(request: NodeRequest): void {
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
    if (!(request instanceof IncomingMessage)) creditBody(request.stream.session, chunk.byteLength);
    if (discarded > MAX_DISCARDED_BYTES) enough();
  });
  request.on("close", () => clearTimeout(timer));
  request.resume();
}

function headersOf(request: NodeRequest, headers: Headers | undefined): Record<string, string> {
  return withSecurityHeaders(request, nodeHeaders(headers));
}

function withSecurityHeaders(request: NodeRequest, own: Record<string, string>): Record<string, string> {
  const isGrpc = own["content-type"]?.startsWith("application/grpc") ?? false;
  return isGrpc ? own : { ...securityHeaders(isEncrypted(request)), ...own };
}

function nodeHeaders(headers: Headers | undefined): Record<string, string> {
  return encodeGrpcMessage(Object.fromEntries(headers ?? []));
}
