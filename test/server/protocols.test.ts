import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { CANCEL_PROCESS, cancelProcess, openPort, type PortUnderTest } from "./port_under_test.ts";

const run = promisify(execFile);

type Transports = Record<string, (port: PortUnderTest, compress?: boolean) => Transport>;

const compression = (compress: boolean | undefined) =>
  compress === true ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {};

const transports: Transports = {
  "gRPC over HTTP/2": ({ url }, compress) => createGrpcTransport({ baseUrl: url, ...compression(compress) }),
  "gRPC-Web over HTTP/2": ({ url }, compress) =>
    createGrpcWebTransport({ baseUrl: url, httpVersion: "2", ...compression(compress) }),
  "gRPC-Web over HTTP/1.1": ({ url }, compress) =>
    createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1", ...compression(compress) }),
  "Connect over HTTP/2": ({ url }, compress) =>
    createConnectTransport({ baseUrl: url, httpVersion: "2", ...compression(compress) }),
  "Connect in protobuf over HTTP/1.1": ({ url }, compress) =>
    createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: true, ...compression(compress) }),
  "Connect in JSON over HTTP/1.1": ({ url }, compress) =>
    createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false, ...compression(compress) }),
};

async function errorOf(answer: Promise<unknown>): Promise<ConnectError> {
  try {
    await answer;
  } catch (reason) {
    return ConnectError.from(reason);
  }
  throw new Error("the call succeeded");
}

const reasonOf = (error: ConnectError): string | undefined => error.findDetails(ErrorInfoSchema)[0]?.reason;

describe.each(Object.entries(transports))("a client that speaks %s", (_name, transport) => {
  it("gets the handler's answer", async () => {
    const client = createClient(CancellationService, transport(await openPort()));

    const answer = await client.cancelProcess(cancelProcess("p-1"));

    expect(answer.status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
  });

  it("may compress", async () => {
    const client = createClient(CancellationService, transport(await openPort(), true));

    const answer = await client.cancelProcess(cancelProcess("p-1", { reason: "x".repeat(4000) }));

    expect(answer.activeQueueItemIds[0]).toHaveLength(4000);
  });

  it("gets the handler's error, with its details", async () => {
    const client = createClient(CancellationService, transport(await openPort()));

    const error = await errorOf(client.cancelProcess(cancelProcess("missing")));

    expect(error.code).toBe(Code.NotFound);
    expect(reasonOf(error)).toBe("EXECUTION_NOT_FOUND");
  });

  it("is told that its request is too large", async () => {
    const port = await openPort({ limits: { maxBodyBytes: 1000 } });
    const client = createClient(CancellationService, transport(port));

    const error = await errorOf(client.cancelProcess(cancelProcess("p-1", { reason: "x".repeat(4000) })));

    expect(error.code).toBe(Code.ResourceExhausted);
    expect(reasonOf(error)).toBe("BODY_TOO_LARGE");
    expect(error.rawMessage).toContain("1000 bytes");
  });

  it("is told that a compressed request is too large", async () => {
    const port = await openPort({ limits: { maxBodyBytes: 1000 } });
    const client = createClient(CancellationService, transport(port, true));

    const error = await errorOf(client.cancelProcess(cancelProcess("p-1", { reason: "x".repeat(4000) })));

    expect(error.code).toBe(Code.ResourceExhausted);
    expect(reasonOf(error)).toBe("BODY_TOO_LARGE");
  });

  it("is told when a deadline passes", async () => {
    const client = createClient(CancellationService, transport(await openPort()));

    const error = await errorOf(client.cancelProcess(cancelProcess("stuck"), { timeoutMs: 30 }));

    expect(error.code).toBe(Code.DeadlineExceeded);
  });

  it("frees the handler when it leaves", async () => {
    const port = await openPort();
    const client = createClient(CancellationService, transport(port));
    const leaving = new AbortController();
    const left = new Promise((resolve) => port.handlers.once("left", resolve));
    port.handlers.once("reached", () => leaving.abort());

    const answer = client.cancelProcess(cancelProcess("stuck"), { signal: leaving.signal });

    expect((await errorOf(answer)).code).toBe(Code.Canceled);
    await left;
    expect(await port.logged((line) => line.code === "canceled")).not.toHaveProperty("http_status");
  });

  it("reads a stream until it leaves", async () => {
    const port = await openPort();
    const client = createClient(CancellationService, transport(port));
    const leaving = new AbortController();

    const answer = (async () => {
      for await (const { event } of client.watchCancellation({ cancellationId: "c-1" }, { signal: leaving.signal })) {
        expect(event?.message).toBe("watching");
        leaving.abort();
      }
    })();

    expect((await errorOf(answer)).code).toBe(Code.Canceled);
    expect(await port.logged((line) => line.method.endsWith("WatchCancellation"))).toMatchObject({ code: "canceled" });
  });

  it("is told that a streaming RPC's request is too large", async () => {
    const port = await openPort({ limits: { maxBodyBytes: 100 } });
    const client = createClient(CancellationService, transport(port));

    const error = await errorOf(
      client
        .watchCancellation({ cancellationId: "c".repeat(200) })
        [Symbol.asyncIterator]()
        .next(),
    );

    expect(error.code).toBe(Code.ResourceExhausted);
    expect(reasonOf(error)).toBe("BODY_TOO_LARGE");
  });

  it("is told that an RPC does not exist", async () => {
    const port = await openPort({ routes: () => {}, services: [] });
    const client = createClient(CancellationService, transport(port));

    const error = await errorOf(client.cancelProcess(cancelProcess("p-1")));

    expect(error.code).toBe(Code.Unimplemented);
    expect(reasonOf(error)).toBe("UNKNOWN_METHOD");
  });

  it("is told how the server is", async () => {
    const client = createClient(Health, transport(await openPort()));

    expect((await client.check({})).status).toBe(Status.SERVING);
  });
});

describe("a client of @grpc/grpc-js", () => {
  const open = async () => {
    const port = await openPort({ limits: { maxBodyBytes: 1000 } });
    const client = new Client(`127.0.0.1:${port.address.port}`, credentials.createInsecure());
    const call = (bytes: Buffer) =>
      new Promise<Buffer>((resolve, reject) => {
        client.makeUnaryRequest(
          CANCEL_PROCESS,
          (sent: Buffer) => sent,
          (received: Buffer) => received,
          bytes,
          (error, answer) => {
            if (error !== null) reject(error);
            else if (answer !== undefined) resolve(answer);
          },
        );
      }).finally(() => client.close());
    return call;
  };

  const statusOf = async (answer: Promise<Buffer>) => {
    const error: ServiceError & { metadata: Metadata } = await answer.then(
      () => expect.fail("the call succeeded"),
      (reason) => reason,
    );
    const [details] = error.metadata.get("grpc-status-details-bin");
    if (!Buffer.isBuffer(details)) throw new Error("no details");
    return { code: error.code, types: fromBinary(StatusSchema, details).details.map(({ typeUrl }) => typeUrl) };
  };

  const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";

  it("gets the details of an error that validation found", async () => {
    const call = await open();

    expect(await statusOf(call(Buffer.alloc(0)))).toEqual({
      code: Code.InvalidArgument,
      types: [ERROR_INFO, "type.googleapis.com/google.rpc.BadRequest"],
    });
  });

  it("is told that its message is no protobuf", async () => {
    const call = await open();

    expect(await statusOf(call(Buffer.from([0xff, 0xff])))).toEqual({
      code: Code.InvalidArgument,
      types: [ERROR_INFO],
    });
  });

  it("is told that its message is too large, however large it is", async () => {
    const call = await open();

    expect(await statusOf(call(Buffer.alloc(3_000_000)))).toEqual({
      code: Code.ResourceExhausted,
      types: [ERROR_INFO],
    });
  });
});

describe("buf curl", () => {
  const buf = (port: PortUnderTest, ...args: string[]) =>
    run("./node_modules/.bin/buf", ["curl", "--http2-prior-knowledge", ...args, port.url], { encoding: "utf8" });

  it.each(["grpc-v1", "grpc-v1alpha"])("lists the services by reflection with %s", async (version) => {
    const port = await openPort();

    const { stdout } = await buf(port, "--reflect-protocol", version, "--list-services");

    expect(stdout.trim().split("\n")).toEqual([
      "belay.v1.CancellationService",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  });

  it.each(["grpc", "grpcweb", "connect"])("calls with what reflection told it, over %s", async (protocol) => {
    const port = await openPort();
    const request = JSON.stringify(cancelProcess("p-1"));

    const { stdout } = await run(
      "./node_modules/.bin/buf",
      ["curl", "--http2-prior-knowledge", "--protocol", protocol, "-d", request, port.url + CANCEL_PROCESS],
      { encoding: "utf8" },
    );

    expect(JSON.parse(stdout)).toMatchObject({ status: "CANCEL_PROCESS_STATUS_CANCEL_REQUESTED" });
  });
});
