import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/grpc/health/v1/health_pb.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { createRouteTable } from "../../src/rest/route_table.ts";
import type { Rank } from "../../src/rpc/rank.ts";
import type { ShedCall } from "../../src/server/admission_handler.ts";
import { CANCEL_PROCESS, cancelProcess, openPort } from "./port_under_test.ts";

/** A port that lets in no call of these ranks. */
async function openBusyPort(refused: readonly Rank[]) {
  const shed: ShedCall[] = [];
  const inService = new Set<symbol>();
  const port = await openPort({
    admission: {
      admission: {
        enter(rank) {
          if (refused.includes(rank)) return null;
          const call = Symbol(rank);
          inService.add(call);
          return () => void inService.delete(call);
        },
        close: () => undefined,
      },
      table: createRouteTable(DIALECTS),
      onShed: (call) => shed.push(call),
    },
  });
  return { port, shed, inService };
}

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}

const TRANSPORTS = [
  ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  ["gRPC-Web over HTTP/1.1", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ["Connect JSON", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false })],
] as const;

function expectOverloaded(error: ConnectError): void {
  expect(error.code).toBe(Code.ResourceExhausted);
  const [info] = error.findDetails(ErrorInfoSchema);
  expect(info).toMatchObject({ reason: "OVERLOADED", domain: "belay.v1" });
  const seconds = error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds;
  expect([1n, 2n, 3n]).toContain(seconds);
  expect(error.metadata.get("retry-after")).toBe(String(seconds));
}

describe.each(TRANSPORTS)("over %s, a call that is not let in", (_name, transportTo) => {
  it("fails with OVERLOADED and says when to ask again", async () => {
    const { port, shed } = await openBusyPort(["critical"]);
    const client = createClient(CancellationService, transportTo(port.url));

    expectOverloaded(await failureOf(client.cancelProcess(cancelProcess("p-1"))));
    expect(shed).toMatchObject([{ method: { name: "CancelProcess" }, rank: "critical" }]);
  });

  it("fails so if it streams", async () => {
    const { port } = await openBusyPort(["list"]);
    const client = createClient(CancellationService, transportTo(port.url));
    const first = client.watchCancellation({ cancellationId: "c-1" })[Symbol.asyncIterator]().next();

    const error = await failureOf(first);

    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("OVERLOADED");
  });

  it("leaves the connection for the next one", async () => {
    const { port } = await openBusyPort(["list"]);
    const client = createClient(CancellationService, transportTo(port.url));
    await failureOf(client.listCancellations({}));

    expect(await client.cancelProcess(cancelProcess("p-1"))).toMatchObject({ activeQueueItemIds: ["a test"] });
  });
});

it("answers gRPC with nothing but headers", async () => {
  const { port } = await openBusyPort(["critical"]);
  const session = connectHttp2(port.url);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": CANCEL_PROCESS,
    "content-type": "application/grpc",
    te: "trailers",
  });
  // Its message never comes: nobody waits for it.
  const [headers, flags]: [IncomingHttpHeaders, number] = await new Promise((resolve) => {
    stream.on("response", (received, received_flags) => resolve([received, received_flags]));
  });

  expect(headers).toMatchObject({ ":status": 200, "grpc-status": "8", "content-type": "application/grpc" });
  const END_STREAM = 0x1;
  expect(flags & END_STREAM).toBe(END_STREAM);
});

it("never refuses health checks", async () => {
  const { port, shed } = await openBusyPort(["critical", "write", "read", "list"]);
  const health = createClient(Health, createGrpcTransport({ baseUrl: port.url }));

  expect(await health.check({})).toMatchObject({ status: HealthCheckResponse_ServingStatus.SERVING });
  expect(shed).toEqual([]);
});

it("counts a call as in service until its answer is sent", async () => {
  const { port, inService } = await openBusyPort([]);
  const client = createClient(CancellationService, createGrpcTransport({ baseUrl: port.url }));
  const reached = once(port.handlers, "reached");
  const answered = client.cancelProcess(cancelProcess("waits"));
  await reached;
  expect(inService.size).toBe(1);

  port.release();
  await answered;
  await port.logged(({ method }) => method.endsWith("CancelProcess"));

  expect(inService.size).toBe(0);
});

it.each(TRANSPORTS)(
  "over %s, counts a stream as in service until it has begun to answer",
  async (_name, transportTo) => {
    const { port, inService } = await openBusyPort([]);
    const client = createClient(CancellationService, transportTo(port.url));
    const leaving = new AbortController();
    const watched = client.watchCancellation({ cancellationId: "c-1" }, { signal: leaving.signal });
    const messages = watched[Symbol.asyncIterator]();
    onTestFinished(() => leaving.abort());

    await messages.next();

    expect(inService.size).toBe(0);
  },
);

describe("a route that is not let in is answered in the shape of its product:", () => {
  it.each([
    ["Camunda 8", "POST", "/v2/process-instances/1/cancellation", 503, { title: "RESOURCE_EXHAUSTED", status: 503 }],
    ["PhoneFarm", "POST", "/processes/p-1/cancel", 503, { detail: expect.any(String) }],
    ["Datadog", "PUT", "/api/v2/workflows/w/instances/i/cancel", 503, { errors: [expect.any(String)] }],
    ["Maxsight", "POST", "/v5/assessments/a-1/cancel-workflow", 503, { error: { code: expect.any(String) } }],
    ["Retab", "POST", "/v1/workflows/runs/r-1/cancel", 503, { detail: { code: "OVERLOADED" } }],
  ])("%s", async (_name, method, path, status, body) => {
    const { port, shed } = await openBusyPort(["critical"]);

    const answer = await fetch(port.url + path, { method });

    expect(answer.status).toBe(status);
    expect(answer.headers.get("retry-after")).toMatch(/^[123]$/);
    expect(await answer.json()).toMatchObject(body);
    expect(shed).toMatchObject([{ method: null, rank: "critical", exchange: { path } }]);
  });
});

it("lets all others pass while lists are refused", async () => {
  const { port } = await openBusyPort(["list"]);
  const client = createClient(CancellationService, createConnectTransport({ baseUrl: port.url, httpVersion: "1.1" }));

  expectOverloaded(await failureOf(client.listCancellations({})));
  expect(await client.getCancellation({ cancellationId: "c-1" })).toMatchObject({ cancellation: { id: "c-1" } });
  expect(await client.cancelProcess(cancelProcess("p-1"))).toMatchObject({ activeQueueItemIds: ["a test"] });
});
