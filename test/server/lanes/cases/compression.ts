/** Compressed requests, and what clients accept in turn. */
import { gzipSync } from "node:zlib";
import type { Header } from "../ask.ts";
import type { Case } from "../case.ts";
import { ask, bytesOf, envelope, WIRES, type Wire } from "../wire.ts";
import {
  CANCEL,
  CONNECT_WIRES,
  cancel,
  type Is,
  LIST,
  MALFORMED,
  OK,
  overEach,
  summaryOf,
  TOO_LARGE,
} from "./cancel.ts";

const GRPC: readonly Wire[] = ["gRPC"];
const UNKNOWN: Is = { grpc: 12, http: "415 unimplemented" };

const encoding = (wire: Wire, value: string): Header => [wire === "gRPC" ? "grpc-encoding" : "content-encoding", value];
const accepting = (wire: Wire, value: string): Header => [
  wire === "gRPC" ? "grpc-accept-encoding" : "accept-encoding",
  value,
];

const MESSAGE = cancel("p-1", { reason: "again and ".repeat(50) });
const plain = (wire: Wire): Buffer => bytesOf(wire, CANCEL, MESSAGE);
/** The body as a client that compresses sends it. */
const zipped = (wire: Wire): Buffer => (wire === "gRPC" ? envelope(gzipSync(plain(wire)), 1) : gzipSync(plain(wire)));

function compressed(
  name: string,
  value: string,
  bodyOf: (wire: Wire) => Buffer,
  is: Is,
  wires: readonly Wire[] = WIRES,
): Case[] {
  return wires.flatMap((wire) =>
    overEach([wire], name, MESSAGE, { headers: [encoding(wire, value)], body: [bodyOf(wire)] }, is),
  );
}

const BOMB = gzipSync(Buffer.alloc(100_000));
const ACCEPTED = [
  "identity",
  "gzip",
  "br",
  "gzip, identity",
  "identity,deflate,gzip",
  "deflate, zstd",
  "*",
  "",
  "GZIP",
  "gzip;q=0",
  "gzip;q=1.0, identity; q=0.5",
  " gzip ",
];
// Around the sizes from which Connect and the port compress.
const ANSWER_BYTES = [0, 900, 1023, 1024, 3000, ...Array.from({ length: 40 }, (_, index) => 4060 + index), 9000];

export const COMPRESSION: readonly Case[] = [
  ...compressed("gzip", "gzip", zipped, OK),
  ...compressed(
    "gzip, announced for a message that is not compressed",
    "gzip",
    (wire) => envelope(plain(wire)),
    OK,
    GRPC,
  ),
  ...compressed("gzip, announced for a body that is not compressed", "gzip", plain, MALFORMED, CONNECT_WIRES),
  ...compressed("gzip that breaks off", "gzip", (wire) => cutOff(wire), MALFORMED),
  ...compressed(
    "gzip of more than the limit",
    "gzip",
    (wire) => (wire === "gRPC" ? envelope(BOMB, 1) : BOMB),
    TOO_LARGE,
  ),
  ...compressed("identity", "identity", (wire) => (wire === "gRPC" ? envelope(plain(wire)) : plain(wire)), OK),
  ...["foo", "br", "GZIP", "identity, gzip", "gzip,gzip", "zstd"].flatMap((name) =>
    compressed(`unexpected-compression "${name}"`, name, zipped, UNKNOWN),
  ),
  ...compressed('the encoding ""', "", (wire) => (wire === "gRPC" ? envelope(plain(wire)) : plain(wire)), UNKNOWN),
  ...compressed("unexpected-compressed-message", "identity", zipped, MALFORMED, GRPC),
  ...overEach(GRPC, "a compressed message without an encoding", MESSAGE, { body: [zipped("gRPC")] }, MALFORMED),
  ...overEach(CONNECT_WIRES, "the encoding of gRPC", MESSAGE, { headers: [["grpc-encoding", "foo"]] }, OK),
  ...overEach(GRPC, "the encoding of HTTP", MESSAGE, { headers: [["content-encoding", "foo"]] }, OK),
  ...overEach(
    CONNECT_WIRES,
    "the encoding of Connect's streams",
    MESSAGE,
    { headers: [["connect-content-encoding", "gzip"]] },
    OK,
  ),
  ...WIRES.flatMap((wire) =>
    ACCEPTED.flatMap((value) => [
      ...overEach(
        [wire],
        `accepts "${value}" for a small answer`,
        cancel("p-1"),
        { headers: [accepting(wire, value)] },
        OK,
      ),
      ...overEach(
        [wire],
        `accepts "${value}" for an error`,
        cancel("missing"),
        { headers: [accepting(wire, value)] },
        { grpc: 5, http: "404 not_found" },
      ),
      {
        name: `${wire}: accepts "${value}" for a large answer`,
        ask: ask(wire, LIST, { pageToken: "6000" }, { headers: [accepting(wire, value)] }),
        is: summaryOf(wire, OK),
      },
    ]),
  ),
  ...WIRES.flatMap((wire) =>
    ANSWER_BYTES.map((bytes) => ({
      name: `${wire}: an answer with ${bytes} bytes that compress well`,
      ask: ask(wire, LIST, { pageToken: String(bytes) }, { headers: [accepting(wire, "gzip")] }),
      is: summaryOf(wire, OK),
    })),
  ),
  ...WIRES.map((wire) => ({
    name: `${wire}: an answer to a compressed request`,
    ask: ask(wire, LIST, {}, { headers: [encoding(wire, "gzip")], body: [listed(wire)] }),
    is: summaryOf(wire, OK),
  })),
];

function cutOff(wire: Wire): Buffer {
  const half = gzipSync(plain(wire)).subarray(0, 40);
  return wire === "gRPC" ? envelope(half, 1) : half;
}

function listed(wire: Wire): Buffer {
  const bytes = gzipSync(bytesOf(wire, LIST, { pageToken: "6000" }));
  return wire === "gRPC" ? envelope(bytes, 1) : bytes;
}
