import { connect } from "node:http2";
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { createRouteTable } from "../../src/rest/route_table.ts";
import { CANCEL_PROCESS, cancelProcess, openPort, type PortUnderTest } from "./port_under_test.ts";
import { rawConnection } from "./raw_connection.ts";

const table = createRouteTable(DIALECTS);

function openLocalPort(): Promise<PortUnderTest> {
  return openPort({ localNamesOnly: { table, isOn: () => true } });
}

async function ask(port: PortUnderTest, host: string, target = `POST ${CANCEL_PROCESS}`): Promise<string> {
  const body = JSON.stringify(cancelProcess("p-1"));
  const head = `Host: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  return rawConnection(port.address.port, `${target} HTTP/1.1\r\n${head}\r\n\r\n${body}`).closed;
}

/** The headers and trailers of a gRPC call. */
function callGrpc(port: PortUnderTest, authority: string): Promise<Record<string, unknown>> {
  const session = connect(port.url);
  const stream = session.request({
    ":method": "POST",
    ":path": CANCEL_PROCESS,
    ":authority": authority,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end(Buffer.alloc(5));
  return new Promise((resolve, reject) => {
    let all = {};
    const add = (more: object): void => {
      all = { ...all, ...more };
    };
    stream.on("response", add).on("trailers", add).on("error", reject).resume();
    stream.on("close", () => {
      session.destroy();
      resolve(all);
    });
  });
}

describe("a port for this machine only", () => {
  it.each([
    "localhost",
    "localhost:8080",
    "LOCALHOST.:1",
    "belay.localhost:80",
    "127.0.0.1:8080",
    "127.9.9.9",
    "[::1]:8080",
  ])("serves those who ask for %s", async (host) => {
    const port = await openLocalPort();

    expect(await ask(port, host)).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-localhost",
    "192.0.2.7",
    "0.0.0.0:8080",
    "[2001:db8::1]:80",
    "x@localhost",
  ])("refuses those who ask for %s, and says why", async (host) => {
    const port = await openLocalPort();

    const answer = await ask(port, host);

    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(JSON.parse(answer.split("\r\n\r\n")[1]!)).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining(`not "${host}"`),
    });
  });

  it("refuses in the shape of the dialect that is asked", async () => {
    const port = await openLocalPort();

    const answer = await ask(port, "evil.example", "PUT /api/v2/workflows/w/instances/i/cancel");

    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(JSON.parse(answer.split("\r\n\r\n")[1]!)).toEqual({ errors: [expect.stringContaining("evil.example")] });
  });

  it("refuses before a page of another origin may ask at all", async () => {
    const port = await openLocalPort();

    const answer = await ask(port, "evil.example", "OPTIONS /");

    expect(answer).not.toContain("access-control-allow");
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
  });

  it("serves gRPC clients that ask for localhost", async () => {
    const port = await openLocalPort();

    expect(await callGrpc(port, "localhost:50051")).toMatchObject({ "grpc-status": "3" });
  });

  it("refuses gRPC clients that ask for another host with PERMISSION_DENIED", async () => {
    const port = await openLocalPort();

    expect(await callGrpc(port, "evil.example")).toMatchObject({ ":status": 200, "grpc-status": "7" });
  });
});

describe("a port for everybody", () => {
  it("serves whatever host is asked for", async () => {
    const port = await openPort();

    expect(await ask(port, "belay.example")).toMatch(/^HTTP\/1.1 200 /);
  });
});
