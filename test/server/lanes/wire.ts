/** Requests of unary calls, as well-behaved clients make them and with changes. */
import { type DescMethodUnary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { type Ask, type Framing, type Header, type Http1Ask, type Http2Ask, inHttp1, type Manner } from "./ask.ts";

/** Of gRPC and of Connect's unary calls, those that have a lane of their own. */
export const WIRES = [
  "gRPC",
  "Connect proto, HTTP/2",
  "Connect JSON, HTTP/2",
  "Connect proto, HTTP/1.1",
  "Connect JSON, HTTP/1.1",
] as const;
export type Wire = (typeof WIRES)[number];

export interface Change extends Manner {
  /** Before the others of the wire. One of the same name stands in the place of the wire's own. */
  readonly headers?: readonly Header[];
  /** The wire's own headers of these names are left out. */
  readonly without?: readonly string[];
  readonly method?: string;
  /** What follows the path. */
  readonly query?: string;
  /** The bytes of the body as they are sent; not given: all of it at once. */
  readonly body?: readonly Buffer[];
  readonly framing?: Framing;
}

/** What a request is about: JSON, encoded for the wire; or bytes in the place of the message. */
export type Message = JsonObject | Buffer;

export function ask(wire: Wire, method: DescMethodUnary, message: Message, change: Change = {}): Ask {
  const { headers = [], without = [], method: verb = "POST", query = "", body, framing, ...manner } = change;
  const replaced = new Set([...without, ...headers.map(([name]) => name.toLowerCase())]);
  const asked = {
    ...manner,
    method: verb,
    path: `/${method.parent.typeName}/${method.name}${query}`,
    headers: [...headers, ...headersOf(wire).filter(([name]) => !replaced.has(name))],
    body: body ?? [bodyOf(wire, method, message)],
  };
  return isHttp2(wire) ? { over: "HTTP/2", ...asked } : inHttp1(asked, framing);
}

export function isHttp2(wire: Wire): boolean {
  return !wire.endsWith("HTTP/1.1");
}

export function isJson(wire: Wire): boolean {
  return wire.startsWith("Connect JSON");
}

/** The id with which all requests come, so that answers and log lines are alike. */
const REQUEST_ID = "the-request";

function headersOf(wire: Wire): readonly Header[] {
  const id = ["x-request-id", REQUEST_ID] as const;
  if (wire === "gRPC") return [["content-type", "application/grpc"], ["te", "trailers"], id];
  return [
    ["content-type", isJson(wire) ? "application/json" : "application/proto"],
    ["connect-protocol-version", "1"],
    id,
  ];
}

export function bodyOf(wire: Wire, method: DescMethodUnary, message: Message): Buffer {
  const bytes = bytesOf(wire, method, message);
  return wire === "gRPC" ? envelope(bytes) : bytes;
}

/** The message without what frames it. */
export function bytesOf(wire: Wire, method: DescMethodUnary, message: Message): Buffer {
  if (Buffer.isBuffer(message)) return message;
  if (isJson(wire)) return Buffer.from(JSON.stringify(message));
  return Buffer.from(toBinary(method.input, fromJson(method.input, message)));
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: "Length-Prefixed-Message". */
export function envelope(bytes: Buffer, flags = 0, length: number = bytes.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flags, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** The id of the request that shows that a connection, or at least the server, lives on. */
export const FOLLOWER_ID = "the-follower";

const FOLLOWER = { path: "/grpc.health.v1.Health/Check", method: "POST" };

export const HTTP2_FOLLOWER: Http2Ask = {
  ...FOLLOWER,
  over: "HTTP/2",
  headers: [
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["x-request-id", FOLLOWER_ID],
  ],
  body: [envelope(Buffer.alloc(0))],
};

export const HTTP1_FOLLOWER: Http1Ask = inHttp1({
  ...FOLLOWER,
  headers: [
    ["content-type", "application/json"],
    ["x-request-id", FOLLOWER_ID],
  ],
  body: [Buffer.from("{}")],
});
