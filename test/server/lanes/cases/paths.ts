/** Methods of HTTP, paths and hosts. */
import type { Ask } from "../ask.ts";
import type { Case } from "../case.ts";
import { ask, bytesOf, isHttp2, WIRES, type Wire } from "../wire.ts";
import {
  CANCEL,
  CONNECT_WIRES,
  cancel,
  GET,
  HTTP1_WIRES,
  HTTP2_WIRES,
  type Is,
  OK,
  overEach,
  summaryOf,
} from "./cancel.ts";

const UNKNOWN: Is = { grpc: 12, http: "404 unimplemented" };
const PATHS = [
  "/belay.v1.CancellationService/Cancel",
  "/belay.v1.CancellationService/cancelProcess",
  "/belay.v1.CancellationService/CancelProcess/",
  "//belay.v1.CancellationService/CancelProcess",
  "/belay.v1.CancellationService/Cancel%50rocess",
  "/belay.v1.cancellationservice/CancelProcess",
  "/belay.v1.CancellationService.CancelProcess",
  "/belay.v1.CancellationService/",
  "/belay.v1.UnknownService/UnknownMethod",
  "/CancelProcess",
  "/__proto__/constructor",
  "/",
  `/${"x".repeat(300)}`,
];

/** The cancel, to another path. */
function at(wire: Wire, path: string): Ask {
  const asked = ask(wire, CANCEL, cancel("p-1"));
  if (asked.over === "HTTP/2") return { ...asked, path };
  const [head = Buffer.alloc(0), ...body] = asked.bytes;
  const line = `POST ${path} HTTP/1.1`;
  return { ...asked, bytes: [Buffer.from(head.toString("latin1").replace(/^.*/, line), "latin1"), ...body] };
}

const message = (json: string): string => `?connect=v1&encoding=json&message=${encodeURIComponent(json)}`;
const PROTO_MESSAGE = bytesOf("gRPC", GET, { cancellationId: "c-1" }).toString("base64url");

const GETS: readonly (readonly [name: string, query: string, is: string])[] = [
  ["connect-with-get/success, in JSON", message('{"cancellationId":"c-1"}'), "200"],
  ["connect-with-get/success, in protobuf", `?connect=v1&encoding=proto&base64=1&message=${PROTO_MESSAGE}`, "200"],
  ["a GET without a message", "?connect=v1&encoding=json", "400 invalid_argument"],
  ["a GET of a message that is no JSON", message("{"), "400 invalid_argument"],
  ["a GET of an invalid message", message("{}"), "400 invalid_argument"],
  ["a GET without a query", "", "415 invalid_argument"],
  ["a GET in an unknown encoding", "?connect=v1&encoding=xml&message=a", "415 invalid_argument"],
  ["a GET with an unknown compression", `${message("{}")}&compression=foo`, "415 unimplemented"],
  ["a GET of no version", "?encoding=json&message=%7B%22cancellationId%22%3A%22c-1%22%7D", "200"],
];

const METHODS = ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];
const NOT_ALLOWED: Is = { grpc: 12, http: "405 unimplemented" };

export const PATHS_AND_METHODS: readonly Case[] = [
  ...WIRES.flatMap((wire) =>
    PATHS.map((path) => ({
      name: `${wire}: unexpected-uri ${path.slice(0, 60)}`,
      ask: at(wire, path),
      is: summaryOf(wire, UNKNOWN),
    })),
  ),
  ...WIRES.flatMap((wire) =>
    METHODS.map((method) => ({
      name: `${wire}: unexpected-verb ${method}`,
      ask: ask(wire, CANCEL, cancel("p-1"), { method }),
      is: NOT_ALLOWED.http,
    })),
  ),
  ...WIRES.map((wire) => ({
    name: `${wire}: unexpected-verb HEAD`,
    ask: ask(wire, CANCEL, cancel("p-1"), { method: "HEAD" }),
    is: "405",
  })),
  ...overEach(WIRES, "a query, which says nothing", cancel("p-1"), { query: "?connect=v1&encoding=json&a=%zz" }, OK),
  ...overEach(WIRES, "a fragment", cancel("p-1"), { query: "#there" }, UNKNOWN),
  ...CONNECT_WIRES.flatMap((wire) =>
    GETS.map(([name, query, is]) => ({
      name: `${wire}: ${name}`,
      ask: ask(wire, GET, Buffer.alloc(0), {
        method: "GET",
        query,
        body: [],
        framing: "none",
        without: ["content-type"],
      }),
      is,
    })),
  ),
  ...HTTP1_WIRES.flatMap((wire) => [
    {
      name: `${wire}: the whole URL as the target`,
      ask: at(wire, `http://localhost/${CANCEL.parent.typeName}/${CANCEL.name}`),
      is: "200",
    },
    {
      name: `${wire}: another host's URL as the target`,
      ask: at(wire, `http://192.0.2.1/${CANCEL.parent.typeName}/${CANCEL.name}`),
      is: "200",
    },
    {
      name: `${wire}: a target that is no URL`,
      ask: at(wire, "belay.v1.CancellationService/CancelProcess"),
      is: "400 invalid_argument, closed",
      logged: 0,
    },
    { name: `${wire}: an asterisk as the target`, ask: at(wire, "*"), is: "404 unimplemented" },
  ]),
  ...["[", "a b", "localhost:99999", "localhost:port", "user@localhost", ""].flatMap((host) =>
    overEach(
      HTTP1_WIRES,
      `the host "${host}"`,
      cancel("p-1"),
      { headers: [["Host", host]] },
      { grpc: 3, http: hostIs(host) },
    ),
  ),
  ...["[::1]", "EXAMPLE.com:8080", "ex%41mple.com", "bücher.example", "a_b"].flatMap((host) =>
    overEach(HTTP1_WIRES, `the host "${host}"`, cancel("p-1"), { headers: [["Host", host]] }, OK),
  ),
  ...overEach(HTTP2_WIRES, "a host beside the authority", cancel("p-1"), { headers: [["host", "other.example"]] }, OK),
  ...WIRES.filter(isHttp2).map((wire) => ({
    name: `${wire}: bytes that no host has`,
    ask: ask(wire, CANCEL, cancel("p-1"), { headers: [["host", "["]] }),
    is: summaryOf(wire, OK),
  })),
];

function hostIs(host: string): string {
  return host === "user@localhost" || host === "" ? "200" : "400 invalid_argument";
}
