/** Bad input on every route of every dialect: a clear error in the dialect's own shape, never a crash. Made from the declarations. */
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dialect, Route } from "../../src/rest/dialect.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

const KEY = "hostile-key-0123456789";
const MEBIBYTE = 1024 * 1024;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
// Rejects if any of the tests has made the server log a fault.
afterAll(() => server.close());

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Sent {
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Uint8Array;
}

/** Sends a request as it is: `fetch` would mend the path and the headers. */
function send(method: string, path: string, { headers = {}, body }: Sent = {}, url = server.url): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ path, status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    // Node does not frame the body of a GET by itself.
    if (body !== undefined) request.setHeader("content-length", Buffer.byteLength(body));
    request.on("error", reject).end(body);
  });
}

const json = (body: string | Uint8Array): Sent => ({ headers: { "content-type": "application/json" }, body });

/** That the answer is an error as the dialect words it, and tells nothing of the inside. */
function expectOwnShape(dialect: Dialect, answer: Answer): void {
  const sample = dialect.error(
    { code: Code.NotFound, reason: "", message: "m", metadata: {}, violations: [], status: 404, headers: {} },
    answer.path.replace(server.url, "").replace(/\?.*/, ""),
  );
  const body: unknown = JSON.parse(answer.text);
  expect(Object.keys(Object(body)).sort()).toEqual(Object.keys(Object(sample.body)).sort());
  expect(answer.headers["content-type"]).toBe(sample.headers?.["content-type"] ?? "application/json");
  expect(answer.headers["x-request-id"]).toEqual(expect.any(String));
  expect(answer.text).not.toMatch(/\.[jt]s\b|node_modules|\n\s+at /);
}

/** That it was refused as the client's own fault. */
function expectRefusal(dialect: Dialect, answer: Answer): void {
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expectOwnShape(dialect, answer);
}

/** What may be harmless may be answered; what is refused must be refused well. */
function expectNoHarm(dialect: Dialect, answer: Answer): void {
  if (answer.status >= 200 && answer.status < 300) return;
  expectRefusal(dialect, answer);
}

function pathOf(route: Route, id = "1"): string {
  return route.path.replace(/:\w+/g, id);
}

const ROUTES = DIALECTS.flatMap((dialect) =>
  dialect.routes.map((route) => ({ dialect, route, name: `${route.method} ${route.path}` })),
);
const hasParameter = ({ route }: { route: Route }): boolean => route.path.includes(":");
const takesJson = ({ route }: { route: Route }): boolean => route.body === "json" || route.body === "optional_json";

describe.each(DIALECTS)("$name", (dialect) => {
  it.each(dialect.prefixes)("404: an unknown path under %s", async (prefix) => {
    const path = `${prefix.replace(/\/$/, "")}/no/such/route/at/all`;
    const answer = await send("GET", path);
    expect(answer.status).toBe(404);
    expectOwnShape(dialect, answer);
  });

  it.each(dialect.prefixes)("400: malformed percent-encoding under %s", async (prefix) => {
    for (const bad of ["%zz", "%", "%ff", "%E0%A4%A"]) {
      const answer = await send("GET", `${prefix.replace(/\/$/, "")}/${bad}`);
      expectRefusal(dialect, answer);
    }
  });
});

describe.each(ROUTES)("$name", ({ dialect, route }) => {
  it.each(["DELETE", "PATCH", "PUT", "POST", "GET"])("405 with Allow: %s", async (method) => {
    const path = pathOf(route);
    const others = ROUTES.filter((other) => isSamePath(other.route, path)).map((other) => other.route.method);
    if (others.some((other) => other === method)) return;
    const answer = await send(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow?.split(", ").sort()).toEqual([...new Set(others)].sort());
    expectOwnShape(dialect, answer);
  });

  it("survives headers that come twice", async () => {
    const twice = [
      "content-type",
      "authorization",
      "idempotency-key",
      "api-key",
      "apikey",
      "dd-api-key",
      "x-request-id",
    ];
    const headers = twice.flatMap((name) => [name, "application/json", name, "text/plain"]);
    const { port } = new URL(server.url);
    const answer = await send(route.method, pathOf(route), { headers: ["host", `127.0.0.1:${port}`, ...headers] });
    expectNoHarm(dialect, answer);
  });

  it("survives a query that makes no sense", async () => {
    const query = "?limit=%zz&page%5Bsize%5D=%00&page[number]=1e9&after=%ff&order=&=&&&a[b[c=1&access_token=%";
    expectNoHarm(dialect, await send(route.method, `${pathOf(route)}${query}`));
  });

  it("survives a body that is larger than any it reads", async () => {
    const answer = await send(route.method, pathOf(route), json(`{"a":"${"x".repeat(MEBIBYTE + 1)}"}`));
    if (takesJson({ route })) expect(answer.status).toBe(413);
    expectNoHarm(dialect, answer);
  });

  it("takes the whole URL as a proxy sends it", async () => {
    const answer = await send(route.method, `${server.url}${pathOf(route)}`);
    expectNoHarm(dialect, answer);
  });
});

describe.each(ROUTES.filter(hasParameter))("$name", ({ dialect, route }) => {
  it.each([
    ["with an encoded slash", "a%2Fb"],
    ["with NUL", "a%00b"],
    ["with a line break", "a%0D%0Ab"],
    ["of 256 characters", "x".repeat(256)],
    ["of 4 KiB", "x".repeat(4 * 1024)],
    ["of digits without end", "9".repeat(300)],
    ["of encoded bytes without end", "%C3%A9".repeat(1_000)],
    ["of dots", ".."],
    ["of encoded dots", "%2e%2e%2f%2e%2e"],
    ["that is a template", "{id}"],
    ["of another script", "%F0%9F%9B%91"],
  ])("refuses an id %s", async (_name, id) => {
    const answer = await send(route.method, pathOf(route, id), route.body === "json" ? json("{}") : {});
    // A list is empty where nothing has such an id.
    if (route.method === "GET" && !/:\w+$/.test(route.path)) expectNoHarm(dialect, answer);
    else expectRefusal(dialect, answer);
  });

  it.each(["%zz", "a%", "%ff", "%E0%A4%A"])("400: an id with malformed percent-encoding: %s", async (id) => {
    const answer = await send(route.method, pathOf(route, id));
    expectRefusal(dialect, answer);
  });
});

describe.each(ROUTES.filter(takesJson))("$name", ({ dialect, route }) => {
  const post = (sent: Sent): Promise<Answer> => send(route.method, pathOf(route), sent);

  it.each([
    ["text/plain", "hello"],
    ["application/x-www-form-urlencoded", "a=b"],
    ["application/xml", "<a/>"],
    ["not a content type at all", "{}"],
  ])("415: a body of %s", async (contentType, body) => {
    const answer = await post({ headers: { "content-type": contentType }, body });
    expect(answer.status).toBe(415);
    expectOwnShape(dialect, answer);
  });

  it("415: a body that is compressed", async () => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await post({ headers, body: gzipSync("{}") });
    expect(answer.status).toBe(415);
    expectOwnShape(dialect, answer);
  });

  it.each([
    ["truncated JSON", '{"reason": "wro'],
    ["two values", "{} {}"],
    ["JavaScript", "{reason: 'x'}"],
    ["bytes that are no UTF-8", Uint8Array.from([0x22, 0xff, 0xfe, 0x22])],
    ["a hundred levels of objects", `${'{"a":'.repeat(100)}1${"}".repeat(100)}`],
    ["a hundred thousand levels of lists", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["brackets that never close", "[".repeat(500_000)],
  ])("400 or 422: %s", async (_name, body) => {
    const answer = await post(json(body));
    expect([400, 422]).toContain(answer.status);
    expectOwnShape(dialect, answer);
  });

  it.each([
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "1e400"],
    ["a string", '"x"'],
    ["true", "true"],
    ["members of the prototype", '{"__proto__":{"a":1},"constructor":{"prototype":{}},"toString":1}'],
    ["known members of unexpected types", '{"reason":[],"strategy":{},"filter":7,"command_id":{},"entity_id":null}'],
    ["half of a surrogate pair", '{"reason":"\\ud800","command_id":"\\udfff"}'],
  ])("survives %s", async (_name, body) => {
    expectNoHarm(dialect, await post(json(body)));
  });
});

describe("with keys configured", () => {
  let guarded: TestServer;
  beforeAll(async () => {
    guarded = await startServer("--api-key", KEY);
  });
  afterAll(() => guarded.close());

  it.each(ROUTES.filter(({ route }) => route.scopes !== null))(
    "401 or 403 without a key: $name",
    async ({ dialect, route }) => {
      const answer = await send(route.method, pathOf(route), {}, guarded.url);
      expect([401, 403]).toContain(answer.status);
      expectOwnShape(dialect, answer);
    },
  );

  it.each(ROUTES.filter(({ route }) => route.scopes !== null))(
    "401 or 403 with a key that is garbage: $name",
    async ({ dialect, route }) => {
      const garbage = "Bearer \u00ff\u0080 , ; = \t x";
      const names = ["authorization", "api-key", "apikey", "dd-api-key", "dd-application-key"];
      const headers = Object.fromEntries(names.map((name) => [name, garbage]));
      const answer = await send(route.method, pathOf(route), { headers }, guarded.url);
      expect([401, 403]).toContain(answer.status);
      expectOwnShape(dialect, answer);
    },
  );
});

it("still serves after all this", async () => {
  expect((await send("GET", "/v1/workflows/runs")).status).toBe(200);
});

function isSamePath(route: Route, path: string): boolean {
  return new RegExp(`^${route.path.replace(/:\w+/g, "[^/]+")}$`).test(path);
}
