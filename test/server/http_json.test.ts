import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CANCEL_PROCESS, cancelProcess, GET_CANCELLATION, openPort, type PortUnderTest } from "./port_under_test.ts";

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly debug: { readonly reason: string } }[];
}

function post(
  port: PortUnderTest,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = CANCEL_PROCESS,
) {
  return fetch(port.url + path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

async function errorOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/json");
  const body = (await response.json()) as ErrorBody;
  return { status: response.status, code: body.code, message: body.message, reason: reasonOf(body) };
}

function reasonOf(body: ErrorBody): string | undefined {
  return body.details?.find((detail) => detail.type === "google.rpc.ErrorInfo")?.debug.reason;
}

describe("a Connect call in JSON", () => {
  it("is answered by its handler", async () => {
    const port = await openPort();

    const response = await post(port, JSON.stringify(cancelProcess("p-1")));

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "CANCEL_PROCESS_STATUS_CANCEL_REQUESTED" });
  });

  it("may be compressed, and gets a long answer compressed", async () => {
    const port = await openPort();

    const response = await post(port, gzipSync(JSON.stringify(cancelProcess("p-1", { reason: "x".repeat(4096) }))), {
      "content-encoding": "gzip",
      "accept-encoding": "gzip",
    });

    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(await response.json()).toMatchObject({ activeQueueItemIds: ["x".repeat(4096)] });
  });

  it("may be a GET if it only reads", async () => {
    const port = await openPort();
    const query = new URLSearchParams({ connect: "v1", encoding: "json", message: '{"cancellationId":"c-1"}' });

    const response = await fetch(`${port.url}${GET_CANCELLATION}?${query}`);

    expect(await response.json()).toMatchObject({ cancellation: { id: "c-1" } });
  });

  it.each([
    ["connect-timeout-ms", "9999999999"],
    ["grpc-timeout", "99999999H"],
  ])("may have a deadline further away than timers reach: %s", async (name, value) => {
    const port = await openPort();
    port.handlers.once("reached", () => setImmediate(() => port.release()));

    const response = await post(port, JSON.stringify(cancelProcess("waits")), { [name]: value });

    expect(response.status).toBe(200);
  });

  it("is answered in full, however long the answer", async () => {
    const port = await openPort();

    const response = await post(port, '{"pageToken":"8000000"}', {}, "/belay.v1.CancellationService/ListCancellations");

    expect(await response.text()).toContain("x".repeat(8_000_000));
  });
});

describe("the status of an error", () => {
  it("is the one that the RPC documents", async () => {
    const port = await openPort();

    expect(await errorOf(await post(port, JSON.stringify(cancelProcess("missing"))))).toMatchObject({
      status: 404,
      code: "not_found",
      reason: "EXECUTION_NOT_FOUND",
    });
  });

  it.each([
    ["a broken rule", { forceAfterSeconds: -1 }, "force_after_seconds"],
    ["an unknown name", { strategy: "gently" }, "strategy"],
    ["a wrong type", { forceAfterSeconds: "soon" }, "force_after_seconds"],
  ])("is 422 for %s, which the error names", async (_name, fault, field) => {
    const port = await openPort();

    const error = await errorOf(await post(port, JSON.stringify(cancelProcess("p-1", fault))));

    expect(error).toMatchObject({ status: 422, code: "invalid_argument", reason: "INVALID_REQUEST" });
    expect(error.message).toContain(field);
  });

  it("is 400 for a body that is not JSON", async () => {
    const port = await openPort();

    expect(await errorOf(await post(port, '{"processId":'))).toMatchObject({
      status: 400,
      code: "invalid_argument",
      reason: "MALFORMED_BODY",
    });
  });

  it("is 400 for a compressed body that is not JSON, which is named as plainly", async () => {
    const port = await openPort();

    const error = await errorOf(await post(port, gzipSync("{nonsense"), { "content-encoding": "gzip" }));

    expect(error).toMatchObject({ status: 400, code: "invalid_argument", reason: "MALFORMED_BODY" });
    expect(error.message).toContain("not JSON");
  });

  it("is 400 for a body that is not compressed though it says so", async () => {
    const port = await openPort();

    expect(await errorOf(await post(port, "{}", { "content-encoding": "gzip" }))).toMatchObject({
      status: 400,
      code: "invalid_argument",
      reason: "MALFORMED_BODY",
    });
  });

  it("is 400 for a body that is no protobuf", async () => {
    const port = await openPort();

    const response = await post(port, new Uint8Array([0xff, 0xff, 0xff]), { "content-type": "application/proto" });

    expect(await errorOf(response)).toMatchObject({ status: 400, code: "invalid_argument", reason: "MALFORMED_BODY" });
  });

  it("is 400 for an empty body", async () => {
    const port = await openPort();

    expect(await errorOf(await post(port, ""))).toMatchObject({ status: 400, reason: "MALFORMED_BODY" });
  });

  it("is 415 for an unknown compression, with those that are known", async () => {
    const port = await openPort();

    const response = await post(port, "{}", { "content-encoding": "lzma" });

    expect(response.headers.get("accept-encoding")).toBe("gzip");
    expect(await errorOf(response)).toMatchObject({ status: 415, code: "unimplemented" });
  });

  it("is 415 for a content type that no protocol has, with those that they have", async () => {
    const port = await openPort();

    const response = await post(port, "a=b", { "content-type": "application/x-www-form-urlencoded" });

    expect(response.headers.get("accept-post")).toContain("application/json");
    const error = await errorOf(response);
    expect(error).toMatchObject({ status: 415, code: "invalid_argument" });
    expect(error.message).toContain("application/json");
  });

  it("is 415 for a GET without a request", async () => {
    const port = await openPort();

    const error = await errorOf(await fetch(port.url + GET_CANCELLATION));

    expect(error).toMatchObject({ status: 415 });
    expect(error.message).toContain("encoding=json");
  });

  it("is 405 for a GET of what changes something, with the methods that are allowed", async () => {
    const port = await openPort();

    const response = await fetch(port.url + CANCEL_PROCESS);

    expect(response.headers.get("allow")).toBe("POST");
    expect(await errorOf(response)).toMatchObject({ status: 405, code: "unimplemented", reason: "UNKNOWN_METHOD" });
  });

  it.each(["/", "/belay.v1.CancellationService/Nothing", "/processes/p-1/cancel"])("is 404 for %s", async (path) => {
    const port = await openPort();

    const error = await errorOf(await post(port, "{}", {}, path));

    expect(error).toMatchObject({ status: 404, code: "unimplemented", reason: "UNKNOWN_METHOD" });
    expect(error.message).toContain(path);
  });

  it("is 413 for a body over the limit, which is named", async () => {
    const port = await openPort({ limits: { maxBodyBytes: 1000 } });

    const error = await errorOf(await post(port, JSON.stringify(cancelProcess("p-1", { reason: "x".repeat(1000) }))));

    expect(error).toMatchObject({ status: 413, code: "resource_exhausted", reason: "BODY_TOO_LARGE" });
    expect(error.message).toContain("1000 bytes");
  });

  it("is 413 also if the body does not say how long it is", async () => {
    const port = await openPort();
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(randomBytes(64 * 1024)) });

    const response = await fetch(port.url + CANCEL_PROCESS, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: endless,
      duplex: "half",
    });

    expect(await errorOf(response)).toMatchObject({ status: 413, reason: "BODY_TOO_LARGE" });
  });

  it("is 413 for a small body that becomes large", async () => {
    const port = await openPort();
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));

    const response = await post(port, bomb, { "content-encoding": "gzip" });

    expect(await errorOf(response)).toMatchObject({ status: 413, reason: "BODY_TOO_LARGE" });
  });

  it("is 500 for a fault, and the caller learns nothing of it but where to look", async () => {
    const port = await openPort();

    const response = await post(port, JSON.stringify(cancelProcess("faulty")), { "x-request-id": "r-500" });

    const error = await errorOf(response);
    expect(error).toMatchObject({ status: 500, code: "internal", reason: "INTERNAL" });
    expect(error.message).not.toContain("secret");
    expect(error.message).toContain("r-500");
  });

  it("is 504 if the handler does not answer before the deadline", async () => {
    const port = await openPort();

    const response = await post(port, JSON.stringify(cancelProcess("stuck")), { "connect-timeout-ms": "20" });

    expect(await errorOf(response)).toMatchObject({ status: 504, code: "deadline_exceeded" });
  });
});

describe("the request id", () => {
  it("is the caller's", async () => {
    const port = await openPort();

    const response = await post(port, JSON.stringify(cancelProcess("p-1")), { "x-request-id": "mine-1" });

    expect(response.headers.get("x-request-id")).toBe("mine-1");
    expect(await port.logged((line) => line.request_id === "mine-1")).toMatchObject({
      level: 30,
      method: "belay.v1.CancellationService/CancelProcess",
      protocol: "connect",
      http_status: 200,
      code: "ok",
    });
  });

  it.each([undefined, "", "with space", "x".repeat(129)])("is minted where the caller's is %j", async (given) => {
    const port = await openPort();

    const response = await post(port, "{}", given === undefined ? {} : { "x-request-id": given }, "/nowhere");

    const minted = response.headers.get("x-request-id");
    expect(minted).toMatch(/^[0-9a-f-]{36}$/);
    expect(await port.logged((line) => line.request_id === minted)).toMatchObject({
      method: "POST /nowhere",
      http_status: 404,
      code: "unimplemented",
    });
  });
});
