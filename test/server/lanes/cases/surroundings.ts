/** What stands around a call: its id, its origin, and who wants to know. */
import type { Header } from "../ask.ts";
import type { Case } from "../case.ts";
import { WIRES } from "../wire.ts";
import { cancel, INVALID, NOT_FOUND, OK, overEach } from "./cancel.ts";

/** Of the ports that the cases are for. */
export const CORS_ORIGIN = "https://ops.example.com";

const IDS: readonly (readonly [name: string, headers: readonly Header[]])[] = [
  ["an id of the caller's", [["x-request-id", "abc-123"]]],
  ["the longest id", [["x-request-id", "i".repeat(128)]]],
  ["an id that is too long", [["x-request-id", "i".repeat(129)]]],
  ["an id with a space", [["x-request-id", "a b"]]],
  ["an id in Latin 1", [["x-request-id", "\u00fc"]]],
  ["an empty id", [["x-request-id", ""]]],
  [
    "two ids",
    [
      ["x-request-id", "a"],
      ["x-request-id", "b"],
    ],
  ],
  ["an id with every sign there is", [["x-request-id", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]]],
];

const ORIGINS = [CORS_ORIGIN, "http://localhost:5173", "https://evil.example", "null", "", `${CORS_ORIGIN}/`];

const preflight = (origin: string) => ({
  method: "OPTIONS",
  headers: [
    ["origin", origin],
    ["access-control-request-method", "POST"],
    ["access-control-request-headers", "content-type"],
  ] as const,
  body: [],
});

export const SURROUNDINGS: readonly Case[] = [
  ...IDS.flatMap(([name, headers]) => overEach(WIRES, name, cancel("p-1"), { headers }, OK)),
  ...overEach(WIRES, "no id", cancel("p-1"), { without: ["x-request-id"] }, OK),
  ...overEach(WIRES, "no id, and an error", cancel("missing"), { without: ["x-request-id"] }, NOT_FOUND),
  ...overEach(
    WIRES,
    "no id, and a fault that names it",
    cancel("faulty"),
    { without: ["x-request-id"] },
    { grpc: 13, http: "500 internal" },
  ),
  ...ORIGINS.flatMap((origin) => [
    ...overEach(WIRES, `the origin "${origin}"`, cancel("p-1"), { headers: [["origin", origin]] }, OK),
    ...overEach(WIRES, `the origin "${origin}", for an error`, cancel(""), { headers: [["origin", origin]] }, INVALID),
    ...overEach(WIRES, `a preflight of "${origin}"`, cancel("p-1"), preflight(origin), OK).map((one) => ({
      ...one,
      is: origin === CORS_ORIGIN || origin.includes("localhost") ? "204" : "403",
    })),
  ]),
  ...overEach(
    WIRES,
    "OPTIONS of an origin that is no preflight",
    cancel("p-1"),
    { method: "OPTIONS", headers: [["origin", CORS_ORIGIN]] },
    OK,
  ).map((one) => ({ ...one, is: "405 unimplemented" })),
];
