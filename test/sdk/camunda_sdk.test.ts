import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Camunda8 } from "@camunda8/sdk";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { finishedWork, newId, startWork, stopWhenTold } from "../e2e/work.ts";
import { startBusyProxy } from "./busy_proxy.ts";

const KEY = "camunda-sdk-test-key";

type Config = ConstructorParameters<typeof Camunda8>[0];

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer("--api-key", KEY);
  clients = clientsOf(server.url, KEY);
});
afterAll(() => server.close());

/** The client of a server at this address, for both protocols. */
function camunda(url: string, config: Config): Camunda8 {
  return new Camunda8({
    ZEEBE_REST_ADDRESS: url,
    ZEEBE_GRPC_ADDRESS: url.replace("http:", "grpc:"),
    CAMUNDA_LOG_LEVEL: "none",
    zeebeGrpcSettings: { ZEEBE_CLIENT_LOG_LEVEL: "NONE" },
    CAMUNDA_TOKEN_DISK_CACHE_DISABLE: true,
    ...config,
  });
}

const basic = (password: string): Config => ({
  CAMUNDA_AUTH_STRATEGY: "BASIC",
  CAMUNDA_BASIC_AUTH_USERNAME: "demo",
  CAMUNDA_BASIC_AUTH_PASSWORD: password,
});
const oauth = (): Config => ({
  CAMUNDA_AUTH_STRATEGY: "OAUTH",
  CAMUNDA_OAUTH_URL: `${server.url}/oauth/token`,
  ZEEBE_CLIENT_ID: "demo",
  ZEEBE_CLIENT_SECRET: KEY,
});

async function pendingInstance(): Promise<string> {
  const id = newId(Kind.PROCESS_INSTANCE);
  await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });
  return id;
}

describe.each([
  ["Basic credentials", () => basic(KEY)],
  ["OAuth", oauth],
])("@camunda8/sdk over REST with %s", (_name, config) => {
  const rest = () => camunda(server.url, config()).getCamundaRestClient();

  it("cancels work that runs", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);

    const answer = rest().cancelProcessInstance({ processInstanceKey: work.ref.id, operationReference: 7 });
    await Promise.all([answer, stopWhenTold(clients, work)]);

    const found = await rest().searchProcessInstances({
      filter: { processInstanceKey: work.ref.id },
      sort: [{ field: "startDate", order: "ASC" }],
    });
    expect(found.items).toMatchObject([{ processInstanceKey: work.ref.id, state: "TERMINATED" }]);
  });

  it("is told of an id that is not known, one that has finished, and one that is none", async () => {
    const finished = await finishedWork(clients, Kind.PROCESS_INSTANCE);
    const answerTo = (processInstanceKey: string) => rest().cancelProcessInstance({ processInstanceKey });

    await expect(answerTo("4711")).rejects.toMatchObject({ statusCode: 404 });
    await expect(answerTo(finished.ref.id)).rejects.toMatchObject({ statusCode: 404 });
    await expect(answerTo("abc")).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe("@camunda8/sdk over REST", () => {
  it("is told of a wrong password", async () => {
    const rest = camunda(server.url, basic("nobody-knows-this")).getCamundaRestClient();

    await expect(rest.cancelProcessInstance({ processInstanceKey: "1" })).rejects.toMatchObject({ statusCode: 401 });
  });

  it("tries again when the server is busy", async () => {
    const proxy = await startBusyProxy(server.url);
    onTestFinished(() => proxy.close());
    const rest = camunda(proxy.url, basic(KEY)).getCamundaRestClient();

    await rest.cancelProcessInstance({ processInstanceKey: await pendingInstance() });

    expect(proxy.statuses).toEqual([503, 204]);
  });
});

describe.each([
  ["Basic credentials", () => basic(KEY)],
  ["OAuth", oauth],
])("@camunda8/sdk over gRPC with %s", (_name, config) => {
  function grpc() {
    const client = camunda(server.url, config()).getZeebeGrpcApiClient();
    onTestFinished(async () => {
      await client.close();
    });
    return client;
  }

  it("cancels work that runs", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);

    await Promise.all([grpc().cancelProcessInstance(work.ref.id, 7), stopWhenTold(clients, work)]);

    const { processInstance } = await clients.executions.getProcessInstance({ processInstanceKey: work.ref.id });
    const cancellationId = processInstance!.execution!.cancellation!.id;
    const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
    expect(cancellation?.timeline[0]?.attributes).toMatchObject({ operation_reference: "7" });
  });

  it("is told of an id that is not known, and of one that has finished", async () => {
    const finished = await finishedWork(clients, Kind.PROCESS_INSTANCE);

    await expect(grpc().cancelProcessInstance("4711")).rejects.toMatchObject({ code: Code.NotFound });
    await expect(grpc().cancelProcessInstance(finished.ref.id)).rejects.toMatchObject({ code: Code.NotFound });
  });

  it("is told of a child", async () => {
    const parent = await startWork(clients, Kind.PROCESS_INSTANCE);
    const child = await startWork(clients, Kind.PROCESS_INSTANCE, { parent: parent.ref });

    const answer = grpc().cancelProcessInstance(child.ref.id);

    await expect(answer).rejects.toMatchObject({ code: Code.FailedPrecondition });
  });
});

describe("@camunda8/sdk over gRPC", () => {
  it("is told of a wrong password", async () => {
    const client = camunda(server.url, basic("nobody-knows-this")).getZeebeGrpcApiClient();
    onTestFinished(async () => {
      await client.close();
    });

    await expect(client.cancelProcessInstance("1")).rejects.toMatchObject({ code: Code.Unauthenticated });
  });

  it("tries again when the server is busy", async () => {
    const busy = await startBusyGateway(server.url);
    const client = camunda(busy.url, basic(KEY)).getZeebeGrpcApiClient();
    onTestFinished(async () => {
      await client.close();
      busy.close();
    });

    await client.cancelProcessInstance(await pendingInstance());

    expect(busy.calls()).toBe(2);
  });
});

/** A gateway that is busy once, and passes all other cancels on. */
async function startBusyGateway(target: string) {
  let calls = 0;
  const gateway = createClient(Gateway, createGrpcTransport({ baseUrl: target }));
  const routes = connectNodeAdapter({
    routes: (router) =>
      router.service(Gateway, {
        cancelProcessInstance: (request, { requestHeader }) => {
          calls += 1;
          if (calls === 1) throw new ConnectError("busy", Code.ResourceExhausted);
          const authorization = requestHeader.get("authorization") ?? "";
          return gateway.cancelProcessInstance(request, { headers: { authorization } });
        },
      }),
  });
  const http = createServer(routes);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls: () => calls, close: () => http.close() };
}
