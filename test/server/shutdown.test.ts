import { once } from "node:events";
import { connect } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { cancelProcess, openPort, type PortUnderTest } from "./port_under_test.ts";
import { rawConnection } from "./raw_connection.ts";

// Longer than any test: a test that waits for it hangs.
const LONG = 60_000;

const overGrpc = (port: PortUnderTest) => createGrpcTransport({ baseUrl: port.url });
const overHttp1 = (port: PortUnderTest) => createConnectTransport({ baseUrl: port.url, httpVersion: "1.1" });

async function errorOf(answer: Promise<unknown>): Promise<ConnectError> {
  return answer.then(
    () => expect.fail("the call succeeded"),
    (reason) => ConnectError.from(reason),
  );
}

/** Rejects if nobody listens. */
async function knock(port: PortUnderTest): Promise<void> {
  const socket = connect(port.address.port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

describe.each([
  ["gRPC", overGrpc],
  ["Connect over HTTP/1.1", overHttp1],
])("closing a port that clients use over %s", (_name, transport) => {
  it("lets the unary calls under way finish, and takes no new connection meanwhile", async () => {
    const port = await openPort({ shutdownGrace: LONG });
    const reached = once(port.handlers, "reached");
    const answer = createClient(CancellationService, transport(port)).cancelProcess(cancelProcess("waits"));
    await reached;

    const closed = port.close();

    await expect(knock(port)).rejects.toThrow("ECONNREFUSED");
    port.release();
    expect((await answer).status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
    await closed;
  });

  it("gives up the unary calls that outlast the grace, and says so", async () => {
    const port = await openPort({ shutdownGrace: 1 });
    const reached = once(port.handlers, "reached");
    const answer = errorOf(createClient(CancellationService, transport(port)).cancelProcess(cancelProcess("stuck")));
    await reached;

    await port.close();

    const error = await answer;
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SHUTTING_DOWN");
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
  });

  it("ends streams at once, and not as if they were complete", async () => {
    const port = await openPort({ shutdownGrace: LONG });
    const client = createClient(CancellationService, transport(port));
    const events = client.watchCancellation({ cancellationId: "c-1" })[Symbol.asyncIterator]();
    await events.next();

    await port.close();

    expect((await errorOf(events.next())).code).toBe(Code.Unavailable);
  });

  it("cuts streams whose handlers do not listen", async () => {
    const port = await openPort({ shutdownGrace: 1 });
    const client = createClient(CancellationService, transport(port));
    const events = client.watchCancellation({ cancellationId: "stuck" })[Symbol.asyncIterator]();
    await events.next();

    await port.close();

    await errorOf(events.next());
  });

  it("says to those who watch its health that it does not serve any more", async () => {
    const port = await openPort({ shutdownGrace: LONG });
    const health = createClient(Health, transport(port)).watch({})[Symbol.asyncIterator]();
    expect((await health.next()).value).toMatchObject({ status: Status.SERVING });

    const closed = port.close();

    expect((await health.next()).value).toMatchObject({ status: Status.NOT_SERVING });
    expect((await errorOf(health.next())).code).toBe(Code.Unavailable);
    await closed;
  });

  it("does not wait for connections without a call", async () => {
    const port = await openPort({ shutdownGrace: LONG });
    await createClient(CancellationService, transport(port)).cancelProcess(cancelProcess("p-1"));

    await port.close();

    await expect(knock(port)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("closing a port", () => {
  it("does not wait for silent connections", async () => {
    const port = await openPort({ shutdownGrace: LONG });
    const silent = rawConnection(port.address.port, "");
    const half = rawConnection(port.address.port, "POST / HTTP/1.1\r\n");
    await knock(port);

    await port.close();

    await silent.closed;
    await half.closed;
  });

  it("cuts a call whose body never comes", async () => {
    const port = await openPort({ shutdownGrace: 1 });
    const head = "POST /belay.v1.CancellationService/CancelProcess HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n";
    const connection = rawConnection(
      port.address.port,
      `${head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n`,
    );
    await connection.until("100 Continue");

    await port.close();

    expect(await connection.closed).toContain("503");
  });

  it("twice is closing once", async () => {
    const port = await openPort();

    await Promise.all([port.close(), port.close()]);
    await port.close();
  });
});
