/** Content types, and what else says which protocol is spoken. */
import type { Case } from "../case.ts";
import { WIRES, type Wire } from "../wire.ts";
import { CONNECT_WIRES, cancel, HTTP1_WIRES, JSON_WIRES, MALFORMED, OK, overEach, PROTO_WIRES } from "./cancel.ts";

const UNSUPPORTED = { grpc: 3, http: "415 invalid_argument" };
const GRPC: readonly Wire[] = ["gRPC"];
const PROTO = CONNECT_WIRES.filter((wire) => wire.includes("proto"));

const type = (value: string) => ({ headers: [["content-type", value] as const] });

const TWO_TYPES = {
  headers: [
    ["content-type", "application/json"],
    ["content-type", "application/proto"],
  ],
} as const;

/** Of no protocol at all. */
const UNKNOWN = [
  "image/jpeg",
  "application/foo",
  "application/grpc+foo",
  "application/grpcfoo",
  "application",
  "",
  "text/plain; charset=utf-8",
];

export const CONTENT_TYPES: readonly Case[] = [
  ...overEach(GRPC, "with-proto-sub-format", cancel("p-1"), type("application/grpc+proto"), OK),
  ...overEach(GRPC, "without-proto-sub-format", cancel("p-1"), type("application/grpc"), OK),
  ...["Application/gRPC", "APPLICATION/GRPC+PROTO"].flatMap((value) =>
    overEach(GRPC, value, cancel("p-1"), type(value), OK),
  ),
  ...["application/grpc; charset=utf-8", "application/grpc;", " application/grpc+proto ;a=b"].flatMap((value) =>
    GRPC.flatMap((wire) => overEach([wire], `unexpected-codec ${value}`, cancel("p-1"), type(value), UNSUPPORTED)).map(
      plainly,
    ),
  ),
  ...overEach(GRPC, "JSON over gRPC", cancel("p-1"), { ...type("application/grpc+json"), body: [envelopedJson()] }, OK),
  ...overEach(
    GRPC,
    "JSON over gRPC, with its charset",
    cancel("p-1"),
    { ...type("application/grpc+json; charset=utf-8"), body: [envelopedJson()] },
    OK,
  ),
  ...overEach(GRPC, "JSON over gRPC that is none", cancel("p-1"), type("application/grpc+json"), { grpc: 3, http: "" }),
  ...WIRES.flatMap((wire) =>
    UNKNOWN.flatMap((value) =>
      overEach([wire], `unexpected-content-type "${value}"`, cancel("p-1"), type(value), UNSUPPORTED),
    ),
  ).map(plainly),
  ...overEach(WIRES, "no content type", cancel("p-1"), { without: ["content-type"] }, UNSUPPORTED).map(plainly),
  ...overEach(
    CONNECT_WIRES,
    "the content type of streams",
    cancel("p-1"),
    type("application/connect+proto"),
    UNSUPPORTED,
  ),
  ...[
    "application/proto; charset=utf-8",
    "application/protobuf",
    "application/x-protobuf",
    "application/proto,application/proto",
  ].flatMap((value) => overEach(PROTO, `unexpected-codec ${value}`, cancel("p-1"), type(value), UNSUPPORTED)),
  ...["application/PROTO", "Application/Proto"].flatMap((value) =>
    overEach(PROTO, value, cancel("p-1"), type(value), OK),
  ),
  ...[
    "application/json; charset=utf-8",
    "application/json;charset=utf8",
    "application/JSON",
    "application/json; charset=UTF-8",
  ].flatMap((value) => overEach(JSON_WIRES, value, cancel("p-1"), type(value), OK)),
  ...["application/json; charset=latin1", "application/json; a=b", "text/json", "application/json;"].flatMap((value) =>
    overEach(JSON_WIRES, `unexpected-codec ${value}`, cancel("p-1"), type(value), UNSUPPORTED),
  ),
  // The first one counts.
  ...overEach(JSON_WIRES, "the content type twice", cancel("p-1"), TWO_TYPES, OK),
  ...overEach(PROTO_WIRES, "the content type twice", cancel("p-1"), TWO_TYPES, MALFORMED).map((one) => ({
    ...one,
    is: MALFORMED.http,
  })),
  ...overEach(GRPC, "without te", cancel("p-1"), { without: ["te"] }, OK),
  ...overEach(GRPC, "with headers of Connect", cancel("p-1"), { headers: [["connect-protocol-version", "2"]] }, OK),
  ...overEach(CONNECT_WIRES, "connect-protocol-version 1", cancel("p-1"), {}, OK),
  ...overEach(
    CONNECT_WIRES,
    "no connect-protocol-version",
    cancel("p-1"),
    { without: ["connect-protocol-version"] },
    OK,
  ),
  ...["2", "", "one", "1, 1"].flatMap((version) =>
    overEach(
      CONNECT_WIRES,
      `connect-protocol-version "${version}"`,
      cancel("p-1"),
      { headers: [["connect-protocol-version", version]] },
      OK,
    ),
  ),
  ...overEach(HTTP1_WIRES, "gRPC over HTTP/1.1", cancel("p-1"), type("application/grpc"), OK).map((one) => ({
    ...one,
    is: "200",
  })),
  ...overEach(HTTP1_WIRES, "gRPC-Web in its place", cancel("p-1"), type("application/grpc-web"), OK).map((one) => ({
    ...one,
    is: "200",
  })),
];

/** Whoever speaks no protocol is answered as HTTP has it. */
function plainly(one: Case): Case {
  return { ...one, is: UNSUPPORTED.http };
}

function envelopedJson(): Buffer {
  const json = Buffer.from(JSON.stringify(cancel("p-1")));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(json.length, 1);
  return Buffer.concat([prefix, json]);
}
