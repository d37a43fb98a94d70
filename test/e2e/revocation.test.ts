import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clients, clientsOver } from "./clients.ts";
import { type GatedServer, type MadeKey, startGatedServer } from "./gated_server.ts";
import { cancel, startWork } from "./work.ts";

let server: GatedServer;
let admin: MadeKey;
beforeAll(async () => {
  server = await startGatedServer();
  admin = await server.createKey("acme", ["admin"]);
});
afterAll(() => server.close());

const SCOPES = ["executions:read", "worker"];

/** How soon what goes on under a key ends with it, in milliseconds. */
const AT_ONCE = 1_000;

/** How soon a key of these tests expires: when its streams are open. */
const SOON = 4_000;

type TransportFor = (secret: string) => Transport;

const showing =
  (secret: string): Interceptor =>
  (next) =>
  (call) => {
    call.header.set("authorization", `Bearer ${secret}`);
    return next(call);
  };

const DOORS: readonly { name: string; transportFor: TransportFor }[] = [
  {
    name: "gRPC",
    transportFor: (secret) => createGrpcTransport({ baseUrl: server.url, interceptors: [showing(secret)] }),
  },
  {
    name: "Connect over HTTP/2",
    transportFor: (secret) =>
      createConnectTransport({ baseUrl: server.url, httpVersion: "2", interceptors: [showing(secret)] }),
  },
  {
    name: "Connect over HTTP/1.1, as JSON",
    transportFor: (secret) =>
      createConnectTransport({
        baseUrl: server.url,
        httpVersion: "1.1",
        useBinaryFormat: false,
        interceptors: [showing(secret)],
      }),
  },
];

interface Watched {
  readonly execution: ExecutionRef;
  readonly cancellationId: string;
}

/** Work whose cancellation is under way and does not end by itself. */
async function stuckWork(): Promise<Watched> {
  const clients = server.as(admin);
  const { ref: execution } = await startWork(clients, Kind.PROCESS, { lease: 600 });
  const { id: cancellationId } = await cancel(clients, execution, Strategy.SOFT);
  return { execution, cancellationId };
}

interface OpenStream {
  /** Resolves when the stream is live. */
  readonly live: Promise<void>;
  /** Resolves when the stream has ended: with its error, or null if it ended well. */
  readonly ended: Promise<ConnectError | null>;
}

function open(stream: AsyncIterable<unknown>): OpenStream {
  const live = Promise.withResolvers<void>();
  const follow = async (): Promise<null> => {
    for await (const _message of stream) live.resolve();
    return null;
  };
  return { live: live.promise, ended: follow().catch(ConnectError.from) };
}

/** All that can go on for long. */
function openAll({ workers, executions, cancellations }: Clients, { execution, cancellationId }: Watched) {
  // The first, so that it waits when the others are live.
  const polling = workers.activateListenerJobs({ workerId: "w-1", types: ["none"], waitSeconds: 60 });
  return {
    ActivateListenerJobs: {
      live: Promise.resolve(),
      ended: polling.then(() => null, ConnectError.from),
    },
    Attach: open(workers.attach({ workerId: "w-1" })),
    WatchExecution: open(executions.watchExecution({ execution })),
    WatchCancellation: open(cancellations.watchCancellation({ cancellationId })),
  };
}

type Streams = ReturnType<typeof openAll>;

async function untilLive(streams: Streams): Promise<void> {
  await Promise.all(Object.values(streams).map(({ live }) => live));
}

/** How each of them ended. */
async function endsOf(streams: Streams): Promise<Record<string, { code: string; reason: string; message: string }>> {
  const ends = Object.entries(streams).map(async ([name, { ended }]) => {
    const error = await ended;
    const [info] = error?.findDetails(ErrorInfoSchema) ?? [];
    const code = error === null ? "ok" : Code[error.code];
    return [name, { code, reason: info?.reason ?? "", message: error?.rawMessage ?? "" }] as const;
  });
  return Object.fromEntries(await Promise.all(ends));
}

const allEndedWith = (message: string) => {
  const end = { code: "Unauthenticated", reason: "UNAUTHENTICATED", message };
  return { ActivateListenerJobs: end, Attach: end, WatchExecution: end, WatchCancellation: end };
};

async function tokenFor({ secret }: MadeKey): Promise<string> {
  const response = await fetch(`${server.url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: "any", client_secret: secret }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

describe.each(DOORS)("over $name", ({ transportFor }) => {
  it.each([
    { what: "a key", show: async ({ secret }: MadeKey) => secret },
    { what: "a token of a key", show: tokenFor },
  ])("what goes on under $what ends within a second of its revocation, and says why", async ({ show }) => {
    const work = await stuckWork();
    const key = await server.createKey("acme", SCOPES);
    const streams = openAll(clientsOver(transportFor(await show(key))), work);
    await untilLive(streams);

    await server.revoke(key);
    const revokedAt = performance.now();
    const ends = await endsOf(streams);

    expect(ends).toEqual(allEndedWith("the credentials were revoked"));
    expect(performance.now() - revokedAt).toBeLessThan(AT_ONCE);
  });

  it("new calls with a revoked key or its token are refused from the answer on", async () => {
    const key = await server.createKey("acme", SCOPES);
    const callers = [key.secret, await tokenFor(key)].map((secret) => clientsOver(transportFor(secret)));
    for (const { executions } of callers) await executions.listProcesses({});

    await server.revoke(key);

    for (const { executions, workers } of callers) {
      await expect(executions.listProcesses({})).rejects.toThrow(/unauthenticated.*the key was revoked/);
      const { ended } = open(workers.attach({ workerId: "w-1" }));
      expect(await ended).toMatchObject({ code: Code.Unauthenticated, rawMessage: "the key was revoked" });
    }
    await expect(tokenFor(key)).resolves.toBeUndefined();
  });

  it("what goes on under a key ends when it expires, and says why", async () => {
    const work = await stuckWork();
    const expiry = Date.now() + SOON;
    const key = await server.createKey("acme", SCOPES, { expireTime: timestampFromMs(expiry) });
    const streams = openAll(clientsOver(transportFor(key.secret)), work);
    await untilLive(streams);

    const ends = await endsOf(streams);

    expect(ends).toEqual(allEndedWith("the credentials have expired"));
    expect(Math.abs(Date.now() - expiry)).toBeLessThan(AT_ONCE);
    await expect(clientsOver(transportFor(key.secret)).executions.listProcesses({})).rejects.toThrow(/the key expired/);
  });

  it("what goes on under other keys goes on", async () => {
    const work = await startWork(server.as(admin), Kind.PROCESS);
    const [key, other] = [await server.createKey("acme", SCOPES), await server.createKey("acme", SCOPES)];
    const revoked = open(clientsOver(transportFor(key.secret)).executions.watchExecution({ execution: work.ref }));
    const watch = open(clientsOver(transportFor(other.secret)).executions.watchExecution({ execution: work.ref }));
    await Promise.all([revoked.live, watch.live]);

    await server.revoke(key);
    await revoked.ended;
    await server.as(admin).executions.completeExecution({ execution: work.ref, token: work.token });

    // It has seen the end.
    expect(await watch.ended).toBeNull();
  });
});
