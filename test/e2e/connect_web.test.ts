import { fromJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { clientsOver } from "./clients.ts";
import { type Call, cancelAndProve } from "./main_job.ts";
import { fetchOfPage } from "./page.ts";
import { pathOf, rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

const PAGE = "https://ops.example.com";
const DEVELOPMENT_PAGE = "http://localhost:5173";
const STRANGER = "https://evil.example.com";

let server: TestServer;
beforeAll(async () => {
  server = await startServer("--cors-origin", PAGE);
});
afterAll(() => server.close());

function callOver(transport: Transport): Call {
  return async (rpc, request) => {
    const method = rpcNamed(rpc);
    const message = fromJson(method.input, request);
    const answer = await transport.unary(method, undefined, 10_000, undefined, message);
    return toJson(method.output, answer.message);
  };
}

const TRANSPORTS = [
  {
    client: "Connect",
    transportTo: (baseUrl: string, fetch: typeof globalThis.fetch) => createConnectTransport({ baseUrl, fetch }),
  },
  {
    client: "gRPC-Web",
    transportTo: (baseUrl: string, fetch: typeof globalThis.fetch) => createGrpcWebTransport({ baseUrl, fetch }),
  },
];

describe.each(TRANSPORTS)("connect-web, $client", ({ transportTo }) => {
  it("cancels a process and sees its stop proven, without leaving its own origin", async () => {
    await cancelAndProve(callOver(transportTo(server.url, fetch)));
  });

  it.each([PAGE, DEVELOPMENT_PAGE])("does so from a page of %s", async (origin) => {
    await cancelAndProve(callOver(transportTo(server.url, fetchOfPage(origin))));
  });

  it("shows a page why a call was refused", async () => {
    const { executions } = clientsOver(transportTo(server.url, fetchOfPage(PAGE)));

    const error = await executions.getProcess({ processId: "no-such-process" }).catch(ConnectError.from);

    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no process 'no-such-process' is registered" });
    expect((error as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "EXECUTION_NOT_FOUND" }]);
  });

  it("streams to a page", async () => {
    const { executions } = clientsOver(transportTo(server.url, fetchOfPage(PAGE)));
    const { execution } = await executions.registerExecution({ kind: Kind.PROCESS });
    await executions.completeExecution({ execution: execution!.ref!, token: 0n });

    const messages: string[] = [];
    for await (const { event } of executions.watchExecution({ execution: execution!.ref! })) {
      messages.push(event!.message);
    }

    expect(messages).toEqual(["registered", "completed"]);
  });

  it("lets a page name its command in a header", async () => {
    const { executions, cancellations } = clientsOver(transportTo(server.url, fetchOfPage(PAGE)));
    const { execution } = await executions.registerExecution({ kind: Kind.PROCESS });
    const request = { processId: execution!.ref!.id, reason: "wrong input", requestedBy: { user: "ada" } };
    const headers = { "Idempotency-Key": `"${execution!.ref!.id}"` };

    const first = await cancellations.cancelProcess(request, { headers });
    const second = await cancellations.cancelProcess(request, { headers });

    expect(second).toEqual(first);
  });

  it("does not serve the page of a stranger", async () => {
    const { executions } = clientsOver(transportTo(server.url, fetchOfPage(STRANGER)));

    const error = await executions.registerExecution({ kind: Kind.PROCESS, id: "from-afar" }).catch(ConnectError.from);

    expect(error).toMatchObject({ rawMessage: `the origin ${STRANGER} is not allowed` });
  });
});

describe("a preflight", () => {
  const path = pathOf(rpcNamed("CancelProcess"));
  const preflight = (origin: string) =>
    fetch(`${server.url}${path}`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });

  it("of a known origin is answered with what it may send and see", async () => {
    const answer = await preflight(PAGE);

    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect(answer.headers.get("access-control-allow-headers")).toMatch(/connect-protocol-version/i);
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/grpc-status-details-bin/i);
    expect(answer.headers.get("vary")).toBe("Origin");
  });

  it("of a stranger is refused", async () => {
    const answer = await preflight(STRANGER);

    expect(answer.status).toBe(403);
    expect(answer.headers.has("access-control-allow-origin")).toBe(false);
  });
});
