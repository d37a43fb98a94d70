/** One request and its response, from the moment the headers are there until the connection is free for the next. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Millis } from "../domain/time.ts";
import type { Peer } from "../gate/peer.ts";
import { mintUuid } from "../service/ids.ts";
import { type Call, newCall } from "./call.ts";

export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** What Node's two classes of responses have in common, as far as it is needed. TypeScript can't call the overloads of a union. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  /** True once `end` was called. */
  readonly writableEnded: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(chunk: Uint8Array): boolean;
  addTrailers(trailers: Record<string, string>): void;
  end(callback?: () => void): unknown;
  end(chunk: Uint8Array, callback: () => void): unknown;
  on(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

export interface Exchange {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  /** The path asked for, without its query. */
  readonly path: string;
  /** The caller's own `x-request-id`, or one that was minted. */
  readonly requestId: string;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  /** Who is at the other end. */
  readonly peer: Peer;
  /** How long the client may take nothing of its answer before it is cut off. */
  readonly stallTimeout: Millis;
  /** What became of it, for the log. */
  readonly call: Call;
  /** Aborted with a ConnectError when nobody waits for the answer any more, or the server gives the call up. */
  readonly signal: AbortSignal;
  /** Gives the call up. */
  abort(reason: ConnectError): void;
}

/** Answers an exchange: it is answered when the promise resolves. Undefined: it is not for this handler; the next one is asked. */
export type RequestHandler = (exchange: Exchange) => Promise<void> | undefined;

/** Asks handlers one after another, until one of them answers. */
export function inOrder(handlers: readonly RequestHandler[]): RequestHandler {
  return (exchange) => {
    for (const handler of handlers) {
      const answered = handler(exchange);
      if (answered !== undefined) return answered;
    }
    return undefined;
  };
}

const REQUEST_ID_HEADER = "x-request-id";
// Visible ASCII, so that it can stand in a log line and in a header as it came.
const ACCEPTABLE_REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

export function openExchange(request: NodeRequest, response: NodeResponse, peer: Peer, stallTimeout: Millis): Exchange {
  const gaveUp = new AbortController();
  const requestId = requestIdOf(request);
  response.setHeader(REQUEST_ID_HEADER, requestId);

  // An error of the stream is always followed by its close, which is what counts. Unheard, it would end the process.
  request.on("error", () => {});
  response.on("error", () => {});
  response.on("close", () => {
    if (!response.writableEnded) gaveUp.abort(new ConnectError("the client went away", Code.Canceled));
  });

  return {
    request,
    response,
    path: pathOf(request),
    requestId,
    startedAt: performance.now(),
    peer,
    stallTimeout,
    call: newCall(),
    signal: gaveUp.signal,
    abort: (reason) => gaveUp.abort(reason),
  };
}

function requestIdOf(request: NodeRequest): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === "string" && ACCEPTABLE_REQUEST_ID.test(given) ? given : mintUuid();
}

/** The headers of the request, with its request id. Throws a TypeError if one is beyond the Fetch standard. */
export function headersOf({ request, requestId }: Exchange): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // Pseudo-headers of HTTP/2, such as ":path", are no headers.
    if (value === undefined || name.startsWith(":")) continue;
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
  }
  headers.set(REQUEST_ID_HEADER, requestId);
  return headers;
}

/** The URL asked for; null if host and target make none. */
export function urlOf({ request }: Exchange): string | null {
  const target = request.url ?? "";
  // A proxy may be asked with the whole URL.
  if (!target.startsWith("/")) return URL.canParse(target) ? target : null;
  const scheme = isEncrypted(request) ? "https" : "http";
  const authority = "authority" in request ? request.authority : request.headers.host;
  // HTTP/1.0 needs no host, and nothing here depends on it.
  const url = `${scheme}://${authority === undefined || authority === "" ? "localhost" : authority}${target}`;
  return URL.canParse(url) ? url : null;
}

/** Whether the request came over TLS. */
export function isEncrypted({ socket }: NodeRequest): boolean {
  return "encrypted" in socket && socket.encrypted === true;
}

function pathOf(request: NodeRequest): string {
  const target = request.url ?? "";
  if (target.startsWith("/")) return target.split("?", 1)[0] ?? "";
  return URL.parse(target)?.pathname ?? target;
}
