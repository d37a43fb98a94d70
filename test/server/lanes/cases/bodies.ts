/** Bodies: how many messages, how they are cut, and how large they are. */
import type { Case } from "../case.ts";
import { bodyOf, envelope, isHttp2, type Message, WIRES, type Wire } from "../wire.ts";
import {
  CANCEL,
  CONNECT_WIRES,
  cancel,
  HTTP1_WIRES,
  HTTP2_WIRES,
  INVALID,
  type Is,
  JSON_WIRES,
  MALFORMED,
  OK,
  overEach,
  PROTO_WIRES,
  TOO_LARGE,
} from "./cancel.ts";

/** Of the ports that the cases are for. */
export const MAX_BODY_BYTES = 4096;

const GRPC: readonly Wire[] = ["gRPC"];
const WHOLE = bodyOf("gRPC", CANCEL, cancel("p-1"));
const NO_MESSAGES: Is = { grpc: 12, http: "" };

function grpc(name: string, body: readonly Buffer[], is: Is): Case[] {
  return overEach(GRPC, name, cancel("p-1"), { body }, is);
}

/** The cancel with a message of so many bytes on this wire. */
function sized(wire: Wire, bytes: number): Message {
  const short = bodyOf(wire, CANCEL, cancel("p-1", { reason: "x".repeat(200) })).length - (wire === "gRPC" ? 5 : 0);
  return cancel("p-1", { reason: "x".repeat(200 + bytes - short) });
}

function ofSize(name: string, bytes: number, is: Is, wires: readonly Wire[] = WIRES): Case[] {
  return wires.flatMap((wire) => overEach([wire], name, sized(wire, bytes), {}, is));
}

function cutInto(pieces: number, bytes: Buffer): Buffer[] {
  const length = Math.ceil(bytes.length / pieces);
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

function inPieces(name: string, pieces: (wire: Wire, bytes: Buffer) => Buffer[]): Case[] {
  return WIRES.flatMap((wire) =>
    overEach([wire], name, cancel("p-1"), { body: pieces(wire, bodyOf(wire, CANCEL, cancel("p-1"))) }, OK),
  );
}

export const BODIES: readonly Case[] = [
  ...grpc("unary/no-request", [], NO_MESSAGES),
  ...grpc("no-request, in an empty frame", [Buffer.alloc(0)], NO_MESSAGES),
  ...grpc("unary/empty-request", [envelope(Buffer.alloc(0))], MALFORMED),
  ...overEach(CONNECT_WIRES, "unary/empty-request", Buffer.alloc(0), {}, INVALID).map(emptyJsonIsMalformed),
  ...overEach(CONNECT_WIRES, "unary/empty-request, without a frame", Buffer.alloc(0), { body: [] }, INVALID).map(
    emptyJsonIsMalformed,
  ),
  ...grpc("unary/multiple-requests", [WHOLE, WHOLE], NO_MESSAGES),
  ...grpc("unary/multiple-requests, in one frame", [Buffer.concat([WHOLE, WHOLE])], NO_MESSAGES),
  ...grpc("three requests, the last one malformed", [WHOLE, WHOLE, envelope(Buffer.from([0xff]))], NO_MESSAGES),
  ...grpc("a request and an empty one", [WHOLE, envelope(Buffer.alloc(0))], NO_MESSAGES),
  ...[1, 2, 3, 4].flatMap((bytes) => grpc(`${bytes} bytes of a prefix`, [WHOLE.subarray(0, bytes)], MALFORMED)),
  ...grpc("a prefix and no message", [WHOLE.subarray(0, 5)], NO_MESSAGES),
  ...grpc("a message without its last byte", [WHOLE.subarray(0, -1)], MALFORMED),
  ...grpc("a request and half a prefix", [WHOLE, Buffer.alloc(2)], MALFORMED),
  ...grpc("a request and a truncated one", [WHOLE, WHOLE.subarray(0, -1)], MALFORMED),
  ...grpc("a length that is too large by one", [envelope(WHOLE.subarray(5), 0, WHOLE.length - 4)], MALFORMED),
  ...grpc("a length that is too small by one", [envelope(WHOLE.subarray(5), 0, WHOLE.length - 6)], MALFORMED),
  ...grpc("a length of 4 GiB", [envelope(WHOLE.subarray(5), 0, 0xffffffff)], TOO_LARGE),
  ...grpc("a length of 2 GiB", [envelope(WHOLE.subarray(5), 0, 0x80000000)], TOO_LARGE),
  ...grpc("a length of nothing, before a message", [envelope(WHOLE.subarray(5), 0, 0)], TOO_LARGE),
  ...[2, 0x80, 0x82, 0xfe].flatMap((flags) => grpc(`the flags ${flags}`, [envelope(WHOLE.subarray(5), flags)], OK)),
  ...grpc(
    "an announced length beyond the limit, and no more",
    [envelope(Buffer.alloc(0), 0, MAX_BODY_BYTES + 1)],
    TOO_LARGE,
  ),
  ...grpc("a message that is one byte and no protobuf", [envelope(Buffer.from([0xff]))], MALFORMED),

  ...ofSize("unary/request-equal-to-server-limit", MAX_BODY_BYTES, OK),
  ...ofSize("one byte more than the limit", MAX_BODY_BYTES + 1, TOO_LARGE),
  ...ofSize("unary/request-exceeds-server-limit", MAX_BODY_BYTES + 10, TOO_LARGE),
  ...ofSize("30 times the limit", 30 * MAX_BODY_BYTES, TOO_LARGE),
  ...overEach(
    HTTP1_WIRES,
    "more than the limit, in chunks",
    cancel("p-1", { reason: "x".repeat(9000) }),
    { framing: "chunks" },
    TOO_LARGE,
  ),
  ...overEach(
    HTTP2_WIRES,
    "more than the limit, and even more announced",
    cancel("p-1", { reason: "x".repeat(9000) }),
    { headers: [["content-length", "99999"]] },
    TOO_LARGE,
  ),

  ...WIRES.filter(isHttp2).flatMap((wire) => {
    const length = bodyOf(wire, CANCEL, cancel("p-1")).length;
    const announced = (bytes: number) => ({ headers: [["content-length", String(bytes)] as const] });
    return [
      ...overEach([wire], "the right length, announced", cancel("p-1"), announced(length), OK),
      ...overEach([wire], "a byte more than announced", cancel("p-1"), announced(length - 1), OK).map(cutOff),
      ...overEach([wire], "a byte less than announced", cancel("p-1"), announced(length + 1), OK).map(broken),
      ...overEach([wire], "Expect: 100-continue", cancel("p-1"), { headers: [["expect", "100-continue"]] }, OK),
    ];
  }),

  ...inPieces("a body byte by byte", (_wire, bytes) => cutInto(bytes.length, bytes)),
  ...inPieces("a body in 3 pieces", (_wire, bytes) => cutInto(3, bytes)),
  ...inPieces("a body after an empty frame", (wire, bytes) =>
    wire.endsWith("HTTP/1.1") ? [bytes] : [Buffer.alloc(0), bytes],
  ),
  ...inPieces("a body before an empty frame", (wire, bytes) =>
    wire.endsWith("HTTP/1.1") ? [bytes] : [bytes, Buffer.alloc(0)],
  ),
  ...inPieces("a body that is cut within its first bytes", (_wire, bytes) => [
    bytes.subarray(0, 2),
    bytes.subarray(2, 5),
    bytes.subarray(5),
  ]),
  ...overEach(HTTP1_WIRES, "a body in one chunk", cancel("p-1"), { framing: "chunks" }, OK),
  ...HTTP1_WIRES.flatMap((wire) =>
    overEach(
      [wire],
      "a body in chunks of a byte",
      cancel("p-1"),
      { framing: "chunks", body: cutInto(999, bodyOf(wire, CANCEL, cancel("p-1"))) },
      OK,
    ),
  ),
  ...overEach(HTTP1_WIRES, "no length and no chunks", cancel("p-1"), { framing: "none", body: [] }, INVALID).map(
    emptyJsonIsMalformed,
  ),

  ...overEach(PROTO_WIRES, "a field that nobody knows", withUnknownFields(), {}, OK),
  ...overEach(PROTO_WIRES, "invalid UTF-8 in a string", Buffer.from([0x0a, 2, 0xc3, 0x28]), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "a field of the wrong wire type", Buffer.from([0x08, 1]), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "a field longer than the message", Buffer.from([0x0a, 100, 0x61]), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "a varint that does not end", Buffer.alloc(11, 0xff), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "field number 0", Buffer.from([0x02, 0]), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "a group that does not end", Buffer.from([0x7b]), {}, MALFORMED),
  ...overEach(PROTO_WIRES, "JSON in the place of protobuf", Buffer.from("{}"), {}, MALFORMED),
  ...overEach(JSON_WIRES, "protobuf in the place of JSON", WHOLE.subarray(5), {}, MALFORMED),
  ...overEach(
    WIRES,
    "a message that breaks many rules",
    cancel("", { reason: "", requestedBy: { system: "" } }),
    {},
    INVALID,
  ),
];

/** What breaks the rules of HTTP/2 itself is not answered: PROTOCOL_ERROR. */
function broken(one: Case): Case {
  return { ...one, is: "no answer, reset 1" };
}

/** Where too much comes, Node ends the whole connection. */
function cutOff(one: Case): Case {
  return { ...one, is: "no answer, reset 2, closed" };
}

/** No bytes are a message of protobuf, and no JSON. */
function emptyJsonIsMalformed(one: Case): Case {
  return one.name.includes("JSON") ? { ...one, is: MALFORMED.http } : one;
}

function withUnknownFields(): Buffer {
  const varint = Buffer.from([0xc0, 0x3e, 0x01]);
  const text = Buffer.from([0xca, 0x3e, 3, 0x61, 0x62, 0x63]);
  return Buffer.concat([varint, WHOLE.subarray(5), text]);
}
