import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectTls } from "node:tls";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { afterAll, describe, expect, it } from "vitest";
import { CancellationService, CancelProcessStatus } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { openTls } from "../../src/server/tls.ts";
import { CANCEL_PROCESS, cancelProcess, openPort } from "./port_under_test.ts";
import { rawConnection } from "./raw_connection.ts";

const certPath = new URL("./certificate/cert.pem", import.meta.url).pathname;
const keyPath = new URL("./certificate/key.pem", import.meta.url).pathname;
const ca = await readFile(certPath);
const tls = await openTls({ certPath, keyPath, clients: null }, { logger: pino({ level: "silent" }) });
afterAll(() => tls.close());
const IMPATIENT = { tls, limits: { headersTimeout: 300, requestTimeout: 400, idleTimeout: 300 } };

describe("a port with a certificate", () => {
  it.each<[string, (url: string) => Transport]>([
    ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl, nodeOptions: { ca } })],
    ["Connect over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", nodeOptions: { ca } })],
    [
      "Connect over HTTP/1.1",
      (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: { ca } }),
    ],
  ])("serves %s", async (_name, transport) => {
    const port = await openPort({ tls });
    const client = createClient(CancellationService, transport(port.url));

    const answer = await client.cancelProcess(cancelProcess("p-1"));

    expect(port.url).toMatch(/^https:/);
    expect(answer.status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
    await port.close();
  });

  it("says what TLS says to those who speak without it", async () => {
    const port = await openPort({ tls });

    await rawConnection(port.address.port, `POST ${CANCEL_PROCESS} HTTP/1.1\r\nHost: x\r\n\r\n`).closed;

    const client = createClient(CancellationService, createGrpcTransport({ baseUrl: port.url, nodeOptions: { ca } }));
    expect((await client.cancelProcess(cancelProcess("p-1"))).status).toBe(CancelProcessStatus.CANCEL_REQUESTED);
  });

  it("closes connections that do not shake hands", async () => {
    const port = await openPort(IMPATIENT);

    await rawConnection(port.address.port, "").closed;
  });

  it.each([["http/1.1"], ["h2"]])("closes connections that shake hands for %s and say no more", async (protocol) => {
    const port = await openPort(IMPATIENT);
    const socket = connectTls({ port: port.address.port, host: "127.0.0.1", ca, ALPNProtocols: [protocol] });
    socket.on("error", () => {}).resume();

    await once(socket, "secureConnect");
    await once(socket, "close");
  });

  it("gives up calls and connections when it closes", async () => {
    const port = await openPort({ tls });
    const socket = connectTls({ port: port.address.port, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"] });
    socket.on("error", () => {}).resume();
    await once(socket, "secureConnect");

    await port.close();

    await once(socket, "close");
  });
});
