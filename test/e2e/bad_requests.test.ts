import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancelProcessRequestSchema } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { type Answer, answerOf, type Door, grpcDoor, httpDoor } from "./doors.ts";
import { pathOf, rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

const CANCEL_PROCESS = pathOf(rpcNamed("CancelProcess"));
const GET_PROCESS = pathOf(rpcNamed("GetProcess"));
/** What the server accepts. */
const MAX_BODY_BYTES = 1024 * 1024;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe("over HTTP/JSON", () => {
  const request = async (path: string, init: RequestInit): Promise<Answer> =>
    answerOf(await fetch(`${server.url}${path}`, init));
  const post = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    request(CANCEL_PROCESS, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });

  it("values of wrong types are all named at once: 422", async () => {
    const answer = await post(
      JSON.stringify({
        processId: 7,
        reason: ["wrong", "input"],
        strategy: "STRATEGY_GENTLE",
        forceAfterSeconds: "soon",
        requestedBy: { system: true, metadata: [] },
        commandId: {},
      }),
    );

    expect(answer).toMatchObject({ status: 422, error: { code: "invalid_argument", reason: "INVALID_REQUEST" } });
    expect(Object.keys(answer.error?.violations ?? {}).sort()).toEqual([
      "command_id",
      "force_after_seconds",
      "process_id",
      "reason",
      "requested_by.metadata",
      "requested_by.system",
      "strategy",
    ]);
  });

  it("a value of a wrong type and a field that is missing are named together: 422", async () => {
    const answer = await post(JSON.stringify({ processId: "p-1", forceAfterSeconds: 1.5 }));

    expect(answer.status).toBe(422);
    expect(Object.keys(answer.error?.violations ?? {}).sort()).toEqual([
      "force_after_seconds",
      "reason",
      "requested_by",
    ]);
  });

  it("a strategy that does not exist is told which ones do: 422", async () => {
    const answer = await post(
      JSON.stringify({ processId: "p-1", reason: "r", requestedBy: {}, strategy: "STRATEGY_GENTLE" }),
    );

    expect(answer.status).toBe(422);
    expect(answer.error?.violations).toEqual({
      strategy: 'must be one of STRATEGY_SOFT, STRATEGY_HARD, STRATEGY_SOFT_THEN_FORCE, not "STRATEGY_GENTLE"',
    });
  });

  it.each([
    { name: "cut off", body: '{"processId": "p-1"', says: /not JSON.*end/ },
    {
      name: "with a comma too many",
      body: '{"processId": "p-1",}',
      says: /not JSON: unexpected .* at line 1, column 21/,
    },
    { name: "that is no JSON at all", body: "processId=p-1", says: /not JSON/ },
    { name: "that is empty", body: "", says: /empty/ },
  ])("a body $name: 400", async ({ body, says }) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 400, error: { code: "invalid_argument", reason: "MALFORMED_BODY" } });
    expect(answer.error?.message).toMatch(says);
  });

  it.each(["[]", "7", "null"])("JSON that is no object, %s: 422", async (body) => {
    const answer = await post(body);

    expect(answer).toMatchObject({ status: 422, error: { code: "invalid_argument", reason: "INVALID_REQUEST" } });
  });

  it.each(["text/plain", "application/xml", "application/x-www-form-urlencoded"])(
    "content type %s: 415, and which ones are taken",
    async (contentType) => {
      const answer = await post("{}", { "content-type": contentType });

      expect(answer).toMatchObject({ status: 415, error: { reason: "MALFORMED_BODY" } });
      expect(answer.error?.message).toContain(`"${contentType}"`);
      expect(answer.field("accept-post")).toContain("application/json");
    },
  );

  it("no content type: 415", async () => {
    const answer = await request(CANCEL_PROCESS, { method: "POST", body: new Uint8Array([123, 125]) });

    expect(answer).toMatchObject({ status: 415, error: { reason: "MALFORMED_BODY" } });
  });

  it("a compression that the server does not know: 415, and which ones it does", async () => {
    const answer = await post("{}", { "content-encoding": "zstd" });

    expect(answer).toMatchObject({ status: 415, error: { code: "unimplemented" } });
    expect(answer.field("accept-encoding")).toContain("gzip");
  });

  it.each(["GET", "PUT", "PATCH", "DELETE"])("%s on an RPC that takes POST: 405", async (method) => {
    const answer = await request(CANCEL_PROCESS, { method });

    expect(answer).toMatchObject({ status: 405, error: { code: "unimplemented", reason: "UNKNOWN_METHOD" } });
    expect(answer.field("allow")).toBe("POST");
  });

  it("PUT on an RPC that takes POST and GET: 405", async () => {
    const answer = await request(GET_PROCESS, { method: "PUT" });

    expect(answer.status).toBe(405);
    expect(answer.field("allow")).toBe("POST, GET");
  });

  it.each(["/", "/belay.v1.CancellationService", "/belay.v1.CancellationService/CancelEverything", "/no/such/route"])(
    "there is nothing at %s: 404",
    async (path) => {
      const answer = await request(path, { method: "POST", body: "{}" });

      expect(answer).toMatchObject({ status: 404, error: { code: "unimplemented", reason: "UNKNOWN_METHOD" } });
      expect(answer.error?.message).toContain(path);
    },
  );

  it("a body over the limit, announced: 413", async () => {
    const answer = await post(JSON.stringify({ reason: "r".repeat(MAX_BODY_BYTES) }));

    expect(answer).toMatchObject({ status: 413, error: { code: "resource_exhausted", reason: "BODY_TOO_LARGE" } });
    expect(answer.error?.message).toContain(String(MAX_BODY_BYTES));
  });

  it("a body over the limit, in chunks: 413", async () => {
    const body = new Blob([`{"reason": "${"r".repeat(MAX_BODY_BYTES)}"}`]).stream();

    const answer = await request(CANCEL_PROCESS, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      duplex: "half",
    });

    expect(answer).toMatchObject({ status: 413, error: { code: "resource_exhausted", reason: "BODY_TOO_LARGE" } });
  });

  it("a small body that is over the limit once decompressed: 413", async () => {
    const answer = await request(CANCEL_PROCESS, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: Uint8Array.from(gzipSync(JSON.stringify({ reason: "r".repeat(10 * MAX_BODY_BYTES) }))),
    });

    expect(answer).toMatchObject({ status: 413, error: { code: "resource_exhausted", reason: "BODY_TOO_LARGE" } });
  });

  it("a deadline that is no number: 400", async () => {
    const answer = await post(JSON.stringify({ processId: "p-1", reason: "r", requestedBy: {} }), {
      "connect-timeout-ms": "soon",
    });

    expect(answer).toMatchObject({ status: 400, error: { code: "invalid_argument" } });
  });
});

describe("over gRPC", () => {
  let door: Door;
  beforeAll(() => {
    door = grpcDoor(server.url);
  });
  afterAll(() => door.close());

  it("bytes that are no message: INVALID_ARGUMENT", async () => {
    const { error } = await door.send(CANCEL_PROCESS, Uint8Array.of(0xff, 0xff, 0xff, 0xff));

    expect(error).toMatchObject({ code: "invalid_argument", reason: "MALFORMED_BODY", domain: "belay.v1" });
  });

  it("an RPC that does not exist: UNIMPLEMENTED", async () => {
    const { error } = await door.send("/belay.v1.CancellationService/CancelEverything", new Uint8Array());

    expect(error).toMatchObject({ code: "unimplemented", reason: "UNKNOWN_METHOD" });
  });

  it("a message over the limit: RESOURCE_EXHAUSTED", async () => {
    const message = create(CancelProcessRequestSchema, { reason: "r".repeat(MAX_BODY_BYTES) });

    const { error } = await door.send(CANCEL_PROCESS, Uint8Array.from(toBinary(CancelProcessRequestSchema, message)));

    expect(error).toMatchObject({ code: "resource_exhausted", reason: "BODY_TOO_LARGE" });
    expect(error?.message).toContain(String(MAX_BODY_BYTES));
  });
});

describe("whatever was asked before", () => {
  it("the next request is answered", async () => {
    const door = httpDoor(server.url);

    const { error } = await door.call("GetProcess", { processId: "p-1" });

    expect(error?.reason).toBe("EXECUTION_NOT_FOUND");
  });
});
