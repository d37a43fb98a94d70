import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { openPort, type PortUnderTest } from "./port_under_test.ts";

const clientOf = (port: PortUnderTest) => createClient(Health, createGrpcTransport({ baseUrl: port.url }));

describe("the health service", () => {
  it.each(["", "belay.v1.CancellationService"])("speaks for %j", async (service) => {
    const port = await openPort();

    expect((await clientOf(port).check({ service })).status).toBe(Status.SERVING);
  });

  it("does not know other services", async () => {
    const client = clientOf(await openPort());

    const error = await client.check({ service: "belay.v9.Nothing" }).catch((reason) => ConnectError.from(reason));

    expect(error).toMatchObject({ code: Code.NotFound });
  });

  it("tells of all services at once", async () => {
    const client = clientOf(await openPort());

    const { statuses } = await client.list({});

    expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
      ["", Status.SERVING],
      ["belay.v1.CancellationService", Status.SERVING],
    ]);
  });

  it("shows each change to those who watch", async () => {
    const port = await openPort();
    const watch = clientOf(port).watch({ service: "belay.v1.CancellationService" })[Symbol.asyncIterator]();
    const next = async () => (await watch.next()).value?.status;

    expect(await next()).toBe(Status.SERVING);
    port.setServing(false);
    expect(await next()).toBe(Status.NOT_SERVING);
    port.setServing(true);
    expect(await next()).toBe(Status.SERVING);
  });

  it("keeps the watch of an unknown service open, as the protocol asks", async () => {
    const port = await openPort();
    const leaving = new AbortController();
    const watch = clientOf(port).watch({ service: "unknown" }, { signal: leaving.signal })[Symbol.asyncIterator]();

    expect((await watch.next()).value?.status).toBe(Status.SERVICE_UNKNOWN);
    const next = watch.next().catch((reason) => ConnectError.from(reason));
    port.setServing(false);
    leaving.abort();

    expect(await next).toMatchObject({ code: Code.Canceled });
  });

  it("is logged for debugging only", async () => {
    const port = await openPort();

    await clientOf(port).check({});

    expect(await port.logged((line) => line.method === "grpc.health.v1.Health/Check")).toMatchObject({ level: 20 });
  });
});
