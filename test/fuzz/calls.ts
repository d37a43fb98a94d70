/** Calls of every RPC and every route: most nearly right, some far from it. */
import { gzipSync } from "node:zlib";
import type { DescMethod } from "@bufbuild/protobuf";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type { Dialect, Route } from "../../src/rest/dialect.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { SERVICES } from "../../src/rpc/routes.ts";
import { encodeMessage, someMessage } from "./messages.ts";
import type { Random } from "./random.ts";
import { someId, someJson, someNumber, someText, spoil, spoilJson } from "./values.ts";

export interface Call {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What answers; null if chance has made a path that nothing serves. */
  readonly rpc: DescMethod | null;
  readonly dialect: Dialect | null;
}

/** The key that the server takes; null if it asks for none. */
export type GoodKey = string | null;

const RPCS: readonly DescMethod[] = [...SERVICES, Health, ServerReflection].flatMap((service) => service.methods);
// The first key that is made ends the time without.
const RPCS_WITHOUT_KEYS = RPCS.filter((rpc) => rpc !== KeyService.method.createKey);
const ROUTES = DIALECTS.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route })));
const NAMES = [
  ...new Set(RPCS.flatMap((rpc) => rpc.input.fields.flatMap((field) => [field.name, field.jsonName]))),
  ...["filter", "page", "sort", "limit", "from", "$in", "$like", "$exists", "items", "state", "command_id"],
  "processInstanceKey",
  "processInstanceKeys",
];
const QUERY_NAMES = [
  ...["page[size]", "page[number]", "limit", "offset", "page_token", "after", "before", "status", "order", "a"],
  "access_token",
];

const CONTENT_TYPES = {
  proto: ["application/grpc", "application/grpc+proto", "application/grpc-web+proto", "application/proto"],
  json: ["application/grpc+json", "application/grpc-web+json", "application/json"],
} as const;
const STREAM_TYPES = { proto: "application/connect+proto", json: "application/connect+json" } as const;

/** Long enough for an answer, short enough for a call that waits for one that never comes. */
const PATIENCE = { "grpc-timeout": "40m", "connect-timeout-ms": "40" };

export function someCall(random: Random, key: GoodKey): Call {
  const call = random.chance(0.6) ? someRpcCall(random, key) : someRouteCall(random, key);
  if (!random.chance(0.05)) return call;
  const path = random.pick(["/", "/v2/", "/nowhere", `${call.path}/`, call.path.toUpperCase(), `/${call.path}`, "*"]);
  return { ...call, path, rpc: null, dialect: null };
}

function someRpcCall(random: Random, key: GoodKey): Call {
  const rpc = random.pick(key === null ? RPCS_WITHOUT_KEYS : RPCS);
  const format = random.pick(["proto", "json"] as const);
  const isStream = rpc.methodKind !== "unary";
  const plain = encodeMessage(rpc.input, someMessage(random, rpc.input), format);
  const message = !random.chance(0.4)
    ? plain
    : format === "json"
      ? Buffer.from(spoilJson(random, plain.toString()), "latin1")
      : spoil(random, plain);
  const path = `/${rpc.parent.typeName}/${rpc.name}`;
  if (!isStream && random.chance(0.05)) return someConnectGet(random, rpc, path, message, format, key);

  const contentType =
    isStream && random.chance(0.5) ? STREAM_TYPES[format] : random.pick<string>(CONTENT_TYPES[format]);
  const isFramed = contentType.startsWith("application/grpc") || contentType.startsWith("application/connect");
  const isZipped = random.chance(0.1);
  const payload = isZipped && random.chance(0.9) ? gzipSync(message) : message;
  const headers = {
    "content-type": random.chance(0.05) ? visible(someText(random)) : contentType,
    te: "trailers",
    ...PATIENCE,
    ...someHeaders(random),
    ...someCredentials(random, key),
    ...(isZipped && { [zipHeader(contentType)]: random.pick(["gzip", "gzip", "gzip", "identity", "br", "x"]) }),
  };
  const method = random.chance(0.97) ? "POST" : random.pick(["GET", "PUT", "OPTIONS", "HEAD", "DELETE"]);
  return { method, path, headers, body: isFramed ? enveloped(random, payload, isZipped) : payload, rpc, dialect: null };
}

function zipHeader(contentType: string): string {
  if (contentType.startsWith("application/grpc")) return "grpc-encoding";
  return contentType.startsWith("application/connect") ? "connect-content-encoding" : "content-encoding";
}

function someConnectGet(
  random: Random,
  rpc: DescMethod,
  path: string,
  message: Buffer,
  format: string,
  key: GoodKey,
): Call {
  const query = new URLSearchParams({
    connect: random.pick(["v1", "v1", "v2", ""]),
    encoding: random.pick([format, format, "x", ""]),
    message: random.chance(0.5) ? message.toString("base64url") : message.toString("latin1"),
    ...(random.chance(0.5) && { base64: "1" }),
    ...(random.chance(0.1) && { compression: random.pick(["gzip", "identity", "x"]) }),
  });
  const headers = { ...someHeaders(random), ...someCredentials(random, key) };
  // Longer ones are refused for their length, which is a thing of its own.
  return {
    method: "GET",
    path: `${path}?${query}`.slice(0, 8_000),
    headers,
    body: Buffer.alloc(0),
    rpc,
    dialect: null,
  };
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: a flag, a length, a message; now and then not quite. */
function enveloped(random: Random, message: Buffer, isZipped: boolean): Buffer {
  const flag = random.chance(0.95) ? Number(isZipped) : random.pick([1, 2, 3, 128, 255]);
  const length = random.chance(0.95)
    ? message.length
    : random.pick([0, 1, message.length + 1, 2 ** 20 + 1, 2 ** 32 - 1]);
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  const envelope = Buffer.concat([head, message]);
  return random.chance(0.03) ? Buffer.concat([envelope, envelope]) : envelope;
}

function someRouteCall(random: Random, key: GoodKey): Call {
  const { dialect, route } = random.pick(ROUTES);
  const json = JSON.stringify(someJson(random, NAMES));
  const text = random.chance(0.3) ? spoilJson(random, json) : json;
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: "c", client_secret: key ?? "x" });
  const body = bodyOf(random, route, text, form.toString());
  const headers = {
    ...(body.length > 0 && { "content-type": contentTypeOf(random, route) }),
    ...someHeaders(random),
    ...someCredentials(random, key),
  };
  const method = random.chance(0.95) ? route.method : random.pick(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]);
  return { method, path: pathOf(random, route) + someQuery(random), headers, body, rpc: null, dialect };
}

function bodyOf(random: Random, route: Route, json: string, form: string): Buffer {
  if (route.body === "form") return random.chance(0.8) ? Buffer.from(form) : spoil(random, Buffer.from(form));
  return route.body === "none" && random.chance(0.8) ? Buffer.alloc(0) : Buffer.from(json, "latin1");
}

function contentTypeOf(random: Random, route: Route): string {
  if (random.chance(0.05)) return visible(someText(random));
  return route.body === "form" ? "application/x-www-form-urlencoded" : "application/json";
}

function pathOf(random: Random, route: Route): string {
  return route.path.replace(/:\w+/g, () => {
    if (random.chance(0.6)) return someId(random);
    return random.chance(0.1)
      ? random.pick(["%", "%zz", "%c3%28", "a%2fb"])
      : encodeURIComponent(someText(random).toWellFormed());
  });
}

function someQuery(random: Random): string {
  if (random.chance(0.6)) return "";
  const query = new URLSearchParams();
  for (let left = 1 + random.int(3); left > 0; left -= 1) {
    const value = random.chance(0.5) ? String(someNumber(random)) : someText(random);
    query.append(random.pick(QUERY_NAMES), value);
  }
  return random.chance(0.9)
    ? `?${query}`
    : `?${visible(spoil(random, Buffer.from(query.toString())).toString("latin1"))}`;
}

const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "grpc-timeout": ["1n", "0S", "99999999H", "-1S", "x", "123456789S"],
  "connect-timeout-ms": ["0", "1", "-5", "99999999999", "x"],
  "connect-protocol-version": ["1", "2", ""],
  "grpc-accept-encoding": ["gzip", "x,y,,", "identity"],
  "accept-encoding": ["gzip", "br;q=1, *;q=0", "x"],
  "x-request-id": ["r-1", "é", "x".repeat(200)],
  "idempotency-key": ["i-1", "i-2", "", "x".repeat(300)],
  "x-forwarded-for": ["192.0.2.7", "x, y", "[::1]:5", ""],
  "x-belay-bin": ["AAAA", "%%%"],
  origin: ["http://localhost:3000", "https://evil.example", "null"],
  "access-control-request-method": ["POST"],
  expect: ["200-ok"],
  cookie: ["a=b; c=d"],
};
const HEADER_NAMES = Object.keys(HEADERS);

function someHeaders(random: Random): Record<string, string> {
  // From everywhere: one address that shows so many wrong keys would not be heard for long.
  const headers: Record<string, string> = { "x-forwarded-for": Array.from(random.bytes(4)).join(".") };
  for (let left = random.int(3); left > 0; left -= 1) {
    const name = random.pick(HEADER_NAMES);
    headers[name] = random.chance(0.8) ? random.pick(HEADERS[name]!) : visible(someText(random));
  }
  return headers;
}

/** In each of the styles that the products have. */
function someCredentials(random: Random, key: GoodKey): Record<string, string> {
  if (random.chance(key === null ? 0.8 : 0.1)) return {};
  const secret = key !== null && random.chance(0.6) ? key : visible(someText(random));
  switch (random.int(6)) {
    case 0:
      return { authorization: `Basic ${Buffer.from(`u:${secret}`).toString("base64")}` };
    case 1:
      return { apikey: secret };
    case 2:
      return { "api-key": secret };
    case 3:
      return { "dd-api-key": secret, "dd-application-key": secret };
    default:
      return { authorization: random.chance(0.95) ? `Bearer ${secret}` : visible(someText(random)) };
  }
}

/** What may stand in a header. What may not is the business of the raw doors. */
function visible(text: string): string {
  return Buffer.from(text.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, "?").trim(), "latin1")
    .toString("latin1")
    .slice(0, 1_000);
}
