/** What only HTTP/1.1 can say. */
import { type Header, type Http1Ask, inHttp1 } from "../ask.ts";
import type { Case } from "../case.ts";
import { ask, bodyOf, type Wire } from "../wire.ts";
import { CANCEL, cancel, HTTP1_WIRES, OK, overEach } from "./cancel.ts";

const PATH = `/${CANCEL.parent.typeName}/${CANCEL.name}`;
const REFUSED_BY_NODE = { is: "400 invalid_argument, closed", logged: 0 };

/** A request line by line, with the cancel as its body. */
function lines(wire: Wire, first: string, headers: readonly string[], end = "\r\n"): Http1Ask {
  const type = wire.includes("JSON") ? "application/json" : "application/proto";
  const body = bodyOf(wire, CANCEL, cancel("p-1"));
  const all = [
    first,
    `Content-Type: ${type}`,
    "X-Request-Id: the-request",
    ...headers.map((line) => line.replace("LENGTH", String(body.length))),
  ];
  const head = Buffer.from(`${all.join(end)}${end}${end}`, "latin1");
  return { over: "HTTP/1.1", methods: ["POST"], bytes: [Buffer.concat([head, body])] };
}

const LINES: readonly (readonly [
  name: string,
  first: string,
  headers: readonly string[],
  expected: Partial<Case> & { readonly is: string },
])[] = [
  [
    "keep-alive",
    `POST ${PATH} HTTP/1.1`,
    ["Host: a", "Content-Length: LENGTH", "Connection: keep-alive"],
    { is: "200" },
  ],
  ["close", `POST ${PATH} HTTP/1.1`, ["Host: a", "Content-Length: LENGTH", "Connection: close"], { is: "200, closed" }],
  [
    "an upgrade to h2c",
    `POST ${PATH} HTTP/1.1`,
    ["Host: a", "Content-Length: LENGTH", "Connection: Upgrade", "Upgrade: h2c"],
    { is: "200" },
  ],
  ["HTTP/1.0", `POST ${PATH} HTTP/1.0`, ["Content-Length: LENGTH"], { is: "200, closed" }],
  [
    "HTTP/1.0 with keep-alive",
    `POST ${PATH} HTTP/1.0`,
    ["Content-Length: LENGTH", "Connection: keep-alive"],
    { is: "200" },
  ],
  ["HTTP/1.0 with a host", `POST ${PATH} HTTP/1.0`, ["Host: a", "Content-Length: LENGTH"], { is: "200, closed" }],
  ["HTTP/1.1 without a host", `POST ${PATH} HTTP/1.1`, ["Content-Length: LENGTH"], { is: "400, closed", logged: 0 }],
  [
    "two hosts",
    `POST ${PATH} HTTP/1.1`,
    ["Host: a", "Host: b", "Content-Length: LENGTH"],
    { is: "400 invalid_argument, closed" },
  ],
  ["HTTP/1.2", `POST ${PATH} HTTP/1.2`, ["Host: a", "Content-Length: LENGTH"], REFUSED_BY_NODE],
  ["a method in lower case", `post ${PATH} HTTP/1.1`, ["Host: a", "Content-Length: LENGTH"], REFUSED_BY_NODE],
  ["an unknown method", `CANCEL ${PATH} HTTP/1.1`, ["Host: a", "Content-Length: LENGTH"], REFUSED_BY_NODE],
  [
    "a space before a colon",
    `POST ${PATH} HTTP/1.1`,
    ["Host: a", "X-A : b", "Content-Length: LENGTH"],
    REFUSED_BY_NODE,
  ],
  ["a folded header", `POST ${PATH} HTTP/1.1`, ["Host: a", "X-A: b", " c", "Content-Length: LENGTH"], REFUSED_BY_NODE],
  ["a null in a header", `POST ${PATH} HTTP/1.1`, ["Host: a", "X-A: b\0c", "Content-Length: LENGTH"], REFUSED_BY_NODE],
  ["two lengths", `POST ${PATH} HTTP/1.1`, ["Host: a", "Content-Length: LENGTH", "Content-Length: 1"], REFUSED_BY_NODE],
  ["a negative length", `POST ${PATH} HTTP/1.1`, ["Host: a", "Content-Length: -1"], REFUSED_BY_NODE],
  [
    "a length and chunks",
    `POST ${PATH} HTTP/1.1`,
    ["Host: a", "Content-Length: LENGTH", "Transfer-Encoding: chunked"],
    REFUSED_BY_NODE,
  ],
];

/** Answered, one after the other, on one connection. */
function pipelined(wire: Wire, first: readonly string[], second: readonly string[]): Http1Ask {
  const asked = [...first, ...second].map((processId) => ask(wire, CANCEL, cancel(processId)));
  const bytes = asked.flatMap((one) => (one.over === "HTTP/1.1" ? one.bytes : []));
  return { over: "HTTP/1.1", methods: asked.map(() => "POST"), bytes: [Buffer.concat(bytes)] };
}

function chunked(
  wire: Wire,
  framing: (hex: string, body: string) => string,
  headers: readonly Header[] = [],
): Http1Ask {
  const body = bodyOf(wire, CANCEL, cancel("p-1"));
  const type = wire.includes("JSON") ? "application/json" : "application/proto";
  const whole = framing(body.length.toString(16), body.toString("latin1"));
  const asked = inHttp1(
    {
      method: "POST",
      path: PATH,
      headers: [["Content-Type", type], ["X-Request-Id", "the-request"], ["Transfer-Encoding", "chunked"], ...headers],
      body: [Buffer.from(whole, "latin1")],
    },
    "none",
  );
  return asked;
}

const EXPECTING = { headers: [["Expect", "100-continue"]] } as const;

export const HTTP1: readonly Case[] = HTTP1_WIRES.flatMap((wire) => [
  ...LINES.map(([name, first, headers, expected]) => ({
    name: `${wire}: ${name}`,
    ask: lines(wire, first, headers),
    ...expected,
  })),
  { name: `${wire}: two requests in a row`, ask: pipelined(wire, ["p-1"], ["p-2"]), is: "200, 200", logged: 2 },
  {
    name: `${wire}: an error before an answer`,
    ask: pipelined(wire, ["missing"], ["p-2"]),
    is: "404 not_found, 200",
    logged: 2,
  },
  {
    name: `${wire}: ten requests in a row`,
    ask: pipelined(wire, Array(5).fill("p-1"), Array(5).fill("missing")),
    is: [...Array(5).fill("200"), ...Array(5).fill("404 not_found")].join(", "),
    logged: 10,
  },
  {
    name: `${wire}: a chunk with an extension`,
    ask: chunked(wire, (hex, body) => `${hex};a=b\r\n${body}\r\n0\r\n\r\n`),
    is: "200",
  },
  {
    name: `${wire}: chunks with a trailer`,
    ask: chunked(wire, (hex, body) => `${hex}\r\n${body}\r\n0\r\nX-After: a\r\n\r\n`, [["Trailer", "X-After"]]),
    is: "200",
  },
  {
    name: `${wire}: a chunk that is none`,
    ask: chunked(wire, (_hex, body) => `zz\r\n${body}\r\n0\r\n\r\n`),
    is: "400 invalid_argument, closed",
  },
  {
    name: `${wire}: chunks after a good one that are none`,
    ask: chunked(wire, (hex, body) => `${hex}\r\n${body}\r\n-1\r\n\r\n`),
    is: "400 invalid_argument, closed",
  },
  ...overEach([wire], "Expect: 100-continue", cancel("p-1"), EXPECTING, OK),
  ...overEach([wire], "Expect: 100-continue, for an error", cancel("missing"), EXPECTING, {
    grpc: 5,
    http: "404 not_found",
  }),
  ...overEach([wire], "Expect: the unexpected", cancel("p-1"), { headers: [["Expect", "200-ok"]] }, OK),
]);
