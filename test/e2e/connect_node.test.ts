import { fromJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Call, cancelAndProve } from "./main_job.ts";
import { rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

function callOver(transport: Transport): Call {
  return async (rpc, request) => {
    const method = rpcNamed(rpc);
    const message = fromJson(method.input, request);
    const answer = await transport.unary(method, undefined, undefined, undefined, message);
    return toJson(method.output, answer.message);
  };
}

describe.each([
  { client: "gRPC", transportTo: (baseUrl: string) => createGrpcTransport({ baseUrl }) },
  {
    client: "gRPC-Web over HTTP/1.1",
    transportTo: (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  },
  {
    client: "gRPC-Web over HTTP/2",
    transportTo: (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  },
  {
    client: "Connect with JSON over HTTP/1.1",
    transportTo: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  },
  {
    client: "Connect with protobuf over HTTP/2",
    transportTo: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  },
  {
    client: "Connect, reading with GET",
    transportTo: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2", useHttpGet: true }),
  },
])("connect-es, $client", ({ transportTo }) => {
  it("cancels a process and sees its stop proven", async () => {
    await cancelAndProve(callOver(transportTo(server.url)));
  });

  it("reads why a call was refused", async () => {
    const call = callOver(transportTo(server.url));

    const error = await call("GetProcess", { processId: "no-such-process" }).catch(ConnectError.from);

    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no process 'no-such-process' is registered" });
    expect((error as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "EXECUTION_NOT_FOUND", domain: "belay.v1" },
    ]);
  });
});
