import { type CamundaClient, createCamundaClient, ProcessInstanceKey } from "@camunda8/orchestration-cluster-api";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { finishedWork, newId, startWork, stopWhenTold } from "../e2e/work.ts";
import { startBusyProxy } from "./busy_proxy.ts";

const KEY = "camunda-sdk-test-key";
/** What is read is there at once: nothing to wait for. */
const AT_ONCE = { consistency: { waitUpToMs: 0 } };

type Config = Readonly<Record<string, string>>;

let open: TestServer;
let guarded: TestServer;
beforeAll(async () => {
  [open, guarded] = await Promise.all([startServer(), startServer("--api-key", KEY)]);
});
afterAll(() => Promise.all([open.close(), guarded.close()]));

interface Subject {
  readonly camunda: CamundaClient;
  readonly clients: Clients;
}

function clientOf(url: string, config: Config): CamundaClient {
  return createCamundaClient({ config: { CAMUNDA_REST_ADDRESS: url, CAMUNDA_SDK_LOG_LEVEL: "silent", ...config } });
}

const basic = (password: string): Config => ({
  CAMUNDA_AUTH_STRATEGY: "BASIC",
  CAMUNDA_BASIC_AUTH_USERNAME: "demo",
  CAMUNDA_BASIC_AUTH_PASSWORD: password,
});
const oauth = (url: string, secret: string): Config => ({
  CAMUNDA_AUTH_STRATEGY: "OAUTH",
  CAMUNDA_OAUTH_URL: `${url}/oauth/token`,
  CAMUNDA_CLIENT_ID: "demo",
  CAMUNDA_CLIENT_SECRET: secret,
  CAMUNDA_TOKEN_AUDIENCE: "belay",
});

const withoutKeys = (config: Config) => (): Subject => ({
  camunda: clientOf(open.url, { CAMUNDA_AUTH_STRATEGY: "NONE", ...config }),
  clients: clientsOf(open.url),
});
const withKeys = (config: () => Config) => (): Subject => ({
  camunda: clientOf(guarded.url, config()),
  clients: clientsOf(guarded.url, KEY),
});

describe.each([
  ["without validation and keys", withoutKeys({ CAMUNDA_SDK_VALIDATION: "none" })],
  ["as it is by default", withoutKeys({})],
  ["with strict validation", withoutKeys({ CAMUNDA_SDK_VALIDATION: "strict" })],
  ["with fanatical validation", withoutKeys({ CAMUNDA_SDK_VALIDATION: "req:strict,res:fanatical" })],
  ["with Basic credentials", withKeys(() => ({ ...basic(KEY), CAMUNDA_SDK_VALIDATION: "strict" }))],
  ["with OAuth", withKeys(() => ({ ...oauth(guarded.url, KEY), CAMUNDA_SDK_VALIDATION: "strict" }))],
])("@camunda8/orchestration-cluster-api %s", (_name, subject) => {
  let camunda: CamundaClient;
  let clients: Clients;
  beforeAll(() => {
    ({ camunda, clients } = subject());
  });

  const keyOf = (id: string): ProcessInstanceKey => ProcessInstanceKey.assumeExists(id);

  it("cancels work that runs, which then is TERMINATED", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);
    const processInstanceKey = keyOf(work.ref.id);

    await Promise.all([camunda.cancelProcessInstance({ processInstanceKey }), stopWhenTold(clients, work)]);

    const instance = await camunda.getProcessInstance({ processInstanceKey }, AT_ONCE);
    expect(instance).toMatchObject({
      state: "TERMINATED",
      processInstanceKey: work.ref.id,
      endDate: expect.any(String),
    });
  });

  it("cancels with a reference", async () => {
    const id = newId(Kind.PROCESS_INSTANCE);
    await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });

    const answer = camunda.cancelProcessInstance({ processInstanceKey: keyOf(id), operationReference: 4711 });

    await expect(answer).resolves.not.toThrow();
  });

  it("is told of an id that is not known, and of one that has finished", async () => {
    const finished = await finishedWork(clients, Kind.PROCESS_INSTANCE);

    for (const id of ["4711", finished.ref.id]) {
      const answer = camunda.cancelProcessInstance({ processInstanceKey: keyOf(id) });
      await expect(answer).rejects.toMatchObject({ name: "HttpSdkError", status: 404, title: "NOT_FOUND" });
    }
  });

  it("is told of a child", async () => {
    const root = await startWork(clients, Kind.PROCESS_INSTANCE);
    const child = await startWork(clients, Kind.PROCESS_INSTANCE, { parent: root.ref });

    const answer = camunda.cancelProcessInstance({ processInstanceKey: keyOf(child.ref.id) });

    await expect(answer).rejects.toMatchObject({ status: 409, title: "INVALID_STATE" });
  });

  it("reads what it finds", async () => {
    const id = newId(Kind.PROCESS_INSTANCE);
    await clients.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      id,
      detail: {
        case: "processInstance",
        value: { processDefinitionId: "order", processDefinitionVersion: 3, processDefinitionKey: "7", tags: ["gold"] },
      },
    });

    const { items, page } = await camunda.searchProcessInstances(
      {
        filter: { processInstanceKey: { $in: [keyOf(id)] }, state: "ACTIVE", processDefinitionId: { $like: "ord*" } },
        sort: [{ field: "startDate", order: "DESC" }],
        page: { limit: 10 },
      },
      AT_ONCE,
    );

    expect(items).toEqual([await camunda.getProcessInstance({ processInstanceKey: keyOf(id) }, AT_ONCE)]);
    expect(items).toMatchObject([{ processDefinitionId: "order", processDefinitionVersion: 3, tags: ["gold"] }]);
    expect(page).toMatchObject({ totalItems: 1, hasMoreTotalItems: false });
  });
});

describe("@camunda8/orchestration-cluster-api", () => {
  it("is told of a bad id", async () => {
    const camunda = clientOf(open.url, { CAMUNDA_SDK_VALIDATION: "none" });

    const answer = camunda.cancelProcessInstance({ processInstanceKey: "abc" as ProcessInstanceKey });

    await expect(answer).rejects.toMatchObject({ status: 400, title: "INVALID_ARGUMENT" });
  });

  it.each([
    ["no credentials", (): Config => ({ CAMUNDA_AUTH_STRATEGY: "NONE" })],
    ["a wrong password", (): Config => basic("nobody-knows-this")],
  ])("is told of %s", async (_name, config) => {
    const camunda = clientOf(guarded.url, config());

    const answer = camunda.cancelProcessInstance({ processInstanceKey: ProcessInstanceKey.assumeExists("1") });

    await expect(answer).rejects.toMatchObject({ status: 401, title: "UNAUTHORIZED" });
  });

  // With strict requests this client drops the cursor: the first of its shapes of a page that fits has none.
  it("turns pages by cursors", async () => {
    const camunda = clientOf(open.url, { CAMUNDA_SDK_VALIDATION: "req:none,res:strict" });
    const clients = clientsOf(open.url);
    const keys = [newId(Kind.PROCESS_INSTANCE), newId(Kind.PROCESS_INSTANCE)];
    for (const id of keys) await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });
    const filter = { processInstanceKey: { $in: keys.map(ProcessInstanceKey.assumeExists) } };

    const first = await camunda.searchProcessInstances({ filter, page: { limit: 1 } }, AT_ONCE);
    const after = first.page.endCursor!;
    const second = await camunda.searchProcessInstances({ filter, page: { after, limit: 1 } }, AT_ONCE);
    const before = second.page.startCursor!;
    const back = await camunda.searchProcessInstances({ filter, page: { before, limit: 1 } }, AT_ONCE);

    expect([first, second].flatMap(({ items }) => items.map((item) => item.processInstanceKey))).toEqual(keys);
    expect(back.items).toEqual(first.items);
  });

  it("gets no token for a wrong secret", async () => {
    const camunda = clientOf(guarded.url, { ...oauth(guarded.url, "nobody-knows-this"), CAMUNDA_OAUTH_RETRY_MAX: "1" });

    const answer = camunda.cancelProcessInstance({ processInstanceKey: ProcessInstanceKey.assumeExists("1") });

    await expect(answer).rejects.toMatchObject({ status: 401 });
  });

  it("tries again when the server is busy", async () => {
    const clients = clientsOf(open.url);
    const id = newId(Kind.PROCESS_INSTANCE);
    await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });
    const proxy = await startBusyProxy(open.url);
    onTestFinished(() => proxy.close());
    const camunda = clientOf(proxy.url, { CAMUNDA_SDK_VALIDATION: "strict" });

    await camunda.cancelProcessInstance({ processInstanceKey: ProcessInstanceKey.assumeExists(id) });

    expect(proxy.statuses).toEqual([503, 204]);
  });
});
