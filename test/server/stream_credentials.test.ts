import { getEventListeners, once } from "node:events";
import { connect as connectTo } from "node:http2";
import { connect } from "node:net";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { digestOf, mintApiKey } from "../../src/gate/api_key.ts";
import { createGate } from "../../src/gate/gate.ts";
import { KeyRing } from "../../src/gate/key_ring.ts";
import { createRateLimits } from "../../src/gate/rate_limits.ts";
import { routes, SERVICES, wireInterceptors } from "../../src/rpc/routes.ts";
import type { ApiKey } from "../../src/store/api_keys.ts";
import { clientsOver } from "../e2e/clients.ts";
import { useCasesDouble } from "../rpc/double.ts";
import { keyOfKind, registration, startService } from "../service/world.ts";
import { openPort } from "./port_under_test.ts";

const STREAMS = 40;

/** A port that takes one key, and that key's signal of revocation. */
async function openGatedPort() {
  const world = await startService();
  onTestFinished(() => world.close());
  const secret = mintApiKey();
  const key: ApiKey = {
    id: "k-1",
    tenant: "default",
    description: "",
    prefix: "",
    digest: digestOf(secret),
    scopes: ["admin"],
    allowedAddresses: [],
    rateLimit: null,
    createdAt: 0,
    createdBy: "",
    expiresAt: Date.now() + 3_600_000,
    revokedAt: null,
  };
  const ring = await KeyRing.open([], { all: async () => [key] }, Date.now);
  const recognized = await ring.recognize(secret, "127.0.0.1");
  if (recognized === null || !("identity" in recognized)) throw new Error("the ring does not know its key");
  const gate = createGate({
    recognizers: [ring.recognize],
    recognizeCertificate: null,
    isRequired: () => true,
    limits: createRateLimits({ perKey: null, perAddress: null, failures: { calls: 10, period: 1_000 } }),
  });
  const refusals = { add: async () => {}, addLater: () => {} };
  const log = pino({ level: "silent" });
  const port = await openPort({
    routes: routes({ ...useCasesDouble({}), service: world.service }),
    services: SERVICES,
    interceptors: wireInterceptors({ log }, gate, refusals),
  });
  const revoked = recognized.identity.revoked!;
  return { port, secret, service: world.service, listeners: () => getEventListeners(revoked, "abort").length };
}

const PROCESS = keyOfKind("process", "p-1");

describe("what listens for the revocation of a key", () => {
  it.each([
    {
      over: "gRPC",
      transportTo: (baseUrl: string, sessionManager: Http2SessionManager) =>
        createGrpcTransport({ baseUrl, sessionManager }),
    },
    {
      over: "Connect",
      transportTo: (baseUrl: string, sessionManager: Http2SessionManager) =>
        createConnectTransport({ baseUrl, httpVersion: "2", sessionManager }),
    },
  ])("is as much as there are streams, and gone with them, over $over", async ({ transportTo }) => {
    const { port, secret, service, listeners } = await openGatedPort();
    await service.register(registration(PROCESS, null));
    const sessions = new Http2SessionManager(port.url);
    onTestFinished(() => sessions.abort());
    const { workers, executions } = clientsOver(transportTo(port.url, sessions));
    const leaving = new AbortController();
    const options = { signal: leaving.signal, headers: { authorization: `Bearer ${secret}` } };
    const streams = Array.from({ length: STREAMS }, (_, index) => [
      workers.attach({ workerId: `w-${index}` }, options)[Symbol.asyncIterator](),
      executions.watchExecution({ execution: { kind: Kind.PROCESS, id: PROCESS.id } }, options)[Symbol.asyncIterator](),
    ]).flat();
    const live = Promise.all(streams.map((stream) => stream.next()));
    // One that ends by itself, and one that ends with an error.
    await workers.activateListenerJobs({ workerId: "w", types: ["none"] }, options);
    const unknown = executions.watchExecution({ execution: { kind: Kind.PROCESS, id: "none" } }, options);
    await expect(unknown[Symbol.asyncIterator]().next()).rejects.toThrow(/not_found/);
    await live;
    const whileOpen = listeners();

    leaving.abort();

    expect(whileOpen).toBe(2 * STREAMS);
    await expect.poll(listeners).toBe(0);
  });

  it("is gone with a connection that breaks", async () => {
    const { port, secret, listeners } = await openGatedPort();
    const { port: number } = port.address;
    const socket = connect(number, "127.0.0.1");
    const sessions = new Http2SessionManager(port.url, {}, { createConnection: () => socket });
    const { workers } = clientsOver(createGrpcTransport({ baseUrl: port.url, sessionManager: sessions }));
    const headers = { authorization: `Bearer ${secret}` };
    const streams = Array.from({ length: STREAMS }, (_, index) =>
      workers.attach({ workerId: `w-${index}` }, { headers })[Symbol.asyncIterator](),
    );
    await Promise.all(streams.map((stream) => stream.next()));
    const ended = Promise.allSettled(streams.map((stream) => stream.next()));

    socket.destroy();

    await ended;
    await expect.poll(listeners).toBe(0);
  });

  it("is gone where the caller left before there was an answer", async () => {
    const { port, secret, listeners } = await openGatedPort();
    const session = connectTo(port.url);
    onTestFinished(() => session.destroy());
    await once(session, "connect");

    for (let count = 0; count < STREAMS; count += 1) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/belay.v1.WorkerService/Attach",
        "content-type": "application/grpc+proto",
        authorization: `Bearer ${secret}`,
      });
      // The message is there as soon as the headers are; then the caller is gone, every second time once the server has read both.
      stream.end(Buffer.from([0, 0, 0, 0, 3, 10, 1, 0x77]));
      if (count % 2 === 1) await new Promise((answered) => session.ping(answered));
      stream.close();
      await once(stream, "close");
    }

    await expect.poll(listeners).toBe(0);
  });
});
