/** Headers of callers, and those that handlers answer with. */
import type { Header } from "../ask.ts";
import type { Case } from "../case.ts";
import { WIRES } from "../wire.ts";
import { cancel, HTTP1_WIRES, HTTP2_WIRES, NOT_FOUND, OK, overEach } from "./cancel.ts";

const TOO_MUCH = { grpc: 3, http: "431 invalid_argument" };

const TOO_MUCH_AND_OVER = { grpc: 3, http: "431 invalid_argument, closed" };
const MANY = Array.from({ length: 150 }, (_, index) => [`x-${index}`, String(index)] as const);

const HEADERS: readonly (readonly [name: string, headers: readonly Header[]])[] = [
  ["a header", [["x-plain", "a value"]]],
  ["an empty header", [["x-plain", ""]]],
  ["spaces within a header", [["x-plain", "a  b\tc"]]],
  [
    "a header twice",
    [
      ["x-plain", "a"],
      ["x-plain", "b"],
    ],
  ],
  [
    "a header three times, with others between",
    [
      ["x-plain", "a"],
      ["x-other", "1"],
      ["x-plain", "b, c"],
      ["x-plain", "a"],
    ],
  ],
  ["a binary header", [["x-bytes-bin", "AAEC/w=="]]],
  [
    "a binary header without padding, twice",
    [
      ["x-bytes-bin", "AAEC/w"],
      ["x-bytes-bin", "AP8"],
    ],
  ],
  ["a binary header that is none", [["x-bytes-bin", "%%%"]]],
  ["a header of 8 KiB", [["x-long", "v".repeat(8 * 1024)]]],
  ["80 headers", Array.from({ length: 80 }, (_, index) => [`x-${index}`, String(index)] as const)],
  [
    "cookies, one by one",
    [
      ["cookie", "a=1"],
      ["cookie", "b=2"],
    ],
  ],
  ["a header in Latin 1", [["x-plain", "gr\u00fc\u00df"]]],
  [
    "headers with the names of members of every object",
    [
      ["__proto__", "a"],
      ["constructor", "b"],
      ["tostring", "c"],
    ],
  ],
  [
    "headers of gRPC that nobody knows",
    [
      ["grpc-tags-bin", "AAEC"],
      ["grpc-trace-bin", "AAEC"],
      ["grpc-previous-rpc-attempts", "2"],
    ],
  ],
  [
    "what the trailers are to be",
    [
      ["grpc-status", "7"],
      ["grpc-message", "no"],
      ["trailer-x-custom", "a"],
    ],
  ],
  [
    "a forwarded address",
    [
      ["x-forwarded-for", "192.0.2.1"],
      ["forwarded", "for=192.0.2.2"],
    ],
  ],
  ["a user agent", [["user-agent", "grpc-node-js/1.14.7"]]],
];

export const METADATA: readonly Case[] = [
  ...overEach(WIRES, "unary/success (metadata both ways)", cancel("sends metadata"), {}, OK),
  ...overEach(
    WIRES,
    "duplicate-metadata/unary/success",
    cancel("sends metadata"),
    {
      headers: [
        ["x-conformance-test", "Value1"],
        ["x-conformance-test", "Value1"],
        ["x-conformance-test", "Value2"],
      ],
    },
    OK,
  ),
  ...overEach(
    WIRES,
    "duplicate-metadata/unary/error",
    cancel("fails with metadata"),
    {
      headers: [
        ["x-conformance-test", "Value1"],
        ["x-conformance-test", "Value1"],
      ],
    },
    NOT_FOUND,
  ),
  ...HEADERS.flatMap(([name, headers]) => overEach(WIRES, name, cancel("p-1"), { headers }, OK)),
  ...overEach(HTTP2_WIRES, "too many headers", cancel("p-1"), { headers: MANY }, TOO_MUCH),
  ...overEach(HTTP1_WIRES, "too many headers", cancel("p-1"), { headers: MANY }, TOO_MUCH_AND_OVER),
  ...overEach(
    HTTP2_WIRES,
    "headers of 20 KiB",
    cancel("p-1"),
    { headers: [["x-long", "v".repeat(20 * 1024)]] },
    TOO_MUCH,
  ),
  // Node itself refuses it.
  ...overEach(
    HTTP1_WIRES,
    "headers of 20 KiB",
    cancel("p-1"),
    { headers: [["x-long", "v".repeat(20 * 1024)]] },
    TOO_MUCH_AND_OVER,
    { logged: 0 },
  ),
  ...overEach(
    HTTP1_WIRES,
    "names of odd casing",
    cancel("p-1"),
    {
      headers: [
        ["CONTENT-type", "application/json"],
        ["X-Plain", "a"],
        ["x-PLAIN", "b"],
        ["CONNECT-TIMEOUT-MS", "9000"],
      ],
    },
    OK,
  ).filter(({ name }) => name.includes("JSON")),
];
