/** What a client asks of a server, in the words of the wire. */

import type { Millis } from "../../../src/domain/time.ts";

export type Header = readonly [name: string, value: string];

/** How a client goes about it, if it is not simply done and waits. */
export interface Manner {
  /** When it goes away: once all of the body is sent, without its end; or once the handler runs. */
  readonly leaves?: "unfinished" | "reached";
  /** How long it waits before each piece of the body. */
  readonly pause?: Millis;
  /** True: it does not end its body before it is answered. */
  readonly isEndless?: boolean;
  /** Over HTTP/2: how many bytes of an answer it takes at a time; 0: none at all. */
  readonly window?: number;
}

interface Asked extends Manner {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  /** The body, as it is sent piece by piece. */
  readonly body: readonly Buffer[];
}

/** A request over HTTP/2, on a connection of its own. */
export interface Http2Ask extends Asked {
  readonly over: "HTTP/2";
}

/** Bytes on a connection of their own. */
export interface Http1Ask extends Manner {
  readonly over: "HTTP/1.1";
  /** The methods of the requests in it: each is to be answered, or the connection closed. */
  readonly methods: readonly string[];
  readonly bytes: readonly Buffer[];
}

export type Ask = Http2Ask | Http1Ask;

/** How HTTP/1.1 tells where a body ends. */
export type Framing = "length" | "chunks" | "none";

/** The request in the bytes of HTTP/1.1. Its names are sent as they are spelled. */
export function inHttp1({ method, path, headers, body, ...manner }: Asked, framing: Framing = "length"): Http1Ask {
  const { isEndless = false } = manner;
  const length = body.reduce((sum, piece) => sum + piece.length, isEndless ? 1 : 0);
  const announced: Record<Framing, readonly Header[]> = {
    length: [["Content-Length", String(length)]],
    chunks: [["Transfer-Encoding", "chunked"]],
    none: [],
  };
  const hosted = headers.some(([name]) => name.toLowerCase() === "host");
  const all = [...(hosted ? [] : [["Host", "localhost"] as const]), ...headers, ...announced[framing]];
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  const pieces = framing === "chunks" ? [...body.map(chunk), ...(isEndless ? [] : [LAST_CHUNK])] : body;
  return { over: "HTTP/1.1", methods: [method], bytes: [head, ...pieces], ...manner };
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
