/** Datadog's own client, unmodified, against a real server. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { client, v2 } from "@datadog/datadog-api-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { run } from "../e2e/program.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancel, cancelledWork, finishedWork, startWork, stopWhenTold, untilEnded, WORKFLOW_ID } from "../e2e/work.ts";

const API_KEY = "datadog-api-key-0123";
const APP_KEY = "datadog-application-key-0123";
const WEAK_APP_KEY = "datadog-application-key-without-rights";

const folder = mkdtempSync(join(tmpdir(), "belay-datadog-"));
let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  const keys = join(folder, "keys");
  writeFileSync(
    keys,
    `${API_KEY} api\n${APP_KEY} app cancel:workflow_instance,executions:read\n${WEAK_APP_KEY} weak executions:read\n`,
  );
  server = await startServer("--api-key-file", keys);
  clients = clientsOf(server.url, API_KEY);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Options {
  readonly url?: string;
  readonly apiKey?: string;
  readonly appKey?: string;
  readonly enableRetry?: boolean;
}

function apiOf({ url = server.url, apiKey = API_KEY, appKey = APP_KEY, ...options }: Options = {}) {
  const configuration = client.createConfiguration({
    serverIndex: 1,
    authMethods: { apiKeyAuth: apiKey, appKeyAuth: appKey },
    ...options,
  });
  configuration.setServerVariables({ protocol: "http", name: new URL(url).host });
  return new v2.WorkflowAutomationApi(configuration);
}

/** What the client throws: the status, and the body as it parsed it. */
async function failureOf(answer: Promise<unknown>): Promise<{ code: number; body: { errors: string[] } }> {
  const error: unknown = await answer.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (error instanceof client.ApiException) return error;
  throw error;
}

describe("cancel", () => {
  it("cancels an instance, as gRPC sees too", async () => {
    const work = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const stopping = stopWhenTold(clients, work);

    const answer = await apiOf().cancelWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: work.ref.id });
    await stopping;

    const { cancellations } = await clients.cancellations.listCancellations({ execution: work.ref });
    expect(answer.data?.id).toBe(work.ref.id);
    expect(cancellations).toHaveLength(1);
    await untilEnded(clients, cancellations[0]!.id);
    const shown = await apiOf().getWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: work.ref.id });
    expect(shown.data?.attributes?.additionalProperties).toEqual({ state: "cancelled" });
  });

  it("joins a cancellation that was asked for over gRPC", async () => {
    const work = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    await cancel(clients, work.ref, Strategy.SOFT_THEN_FORCE);

    await apiOf().cancelWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: work.ref.id });

    const { cancellations } = await clients.cancellations.listCancellations({ execution: work.ref });
    expect(cancellations).toHaveLength(1);
  });

  it("does not know an unknown instance", async () => {
    const failure = await failureOf(apiOf().cancelWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: "nobody" }));
    expect(failure).toMatchObject({ code: 404, body: { errors: [expect.stringContaining("nobody")] } });
  });

  it("does not know the instance of another workflow", async () => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const failure = await failureOf(apiOf().cancelWorkflowInstance({ workflowId: "wf-2", instanceId: ref.id }));
    expect(failure).toMatchObject({ code: 404, body: { errors: [expect.stringContaining("wf-2")] } });
  });

  it.each([
    ["too long", "x".repeat(256)],
    ["with a control character", "a\u0000b"],
  ])("refuses an id that is bad: %s", async (_name, instanceId) => {
    const failure = await failureOf(apiOf().cancelWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId }));
    expect(failure).toMatchObject({ code: 400, body: { errors: [expect.stringMatching(/^instance_id must /)] } });
  });

  it.each([
    ["finished", finishedWork],
    ["been cancelled", cancelledWork],
  ])("refuses an instance that has %s", async (_name, workOf) => {
    const { ref } = await workOf(clients, Kind.WORKFLOW_INSTANCE);
    const failure = await failureOf(apiOf().cancelWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: ref.id }));
    expect(failure).toMatchObject({ code: 400, body: { errors: [expect.stringContaining("already")] } });
  });
});

describe("credentials", () => {
  it.each([
    ["a wrong API key", { apiKey: "wrong-0123456789abcdef" }],
    ["a wrong application key", { appKey: "wrong-0123456789abcdef" }],
    ["no application key", { appKey: "" }],
    ["no keys", { apiKey: "", appKey: "" }],
    ["an application key without the scope of a cancel", { appKey: WEAK_APP_KEY }],
  ])("refuses to cancel with %s", async (_name, keys) => {
    const failure = await failureOf(apiOf(keys).cancelWorkflowInstance({ workflowId: "w", instanceId: "i" }));
    expect(failure).toMatchObject({ code: 403, body: { errors: [expect.any(String)] } });
  });

  it("lets a key without that scope read", async () => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const api = apiOf({ appKey: WEAK_APP_KEY });
    const { data } = await api.getWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: ref.id });
    expect(data?.attributes?.id).toBe(ref.id);
  });

  it("refuses to read with bad keys", async () => {
    const failure = await failureOf(
      apiOf({ apiKey: "wrong-0123456789abcdef" }).listWorkflowInstances({ workflowId: "w" }),
    );
    expect(failure).toMatchObject({ code: 403, body: { errors: [expect.any(String)] } });
  });
});

describe("get and list", () => {
  it("shows an instance", async () => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const { data } = await apiOf().getWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: ref.id });
    expect(data?.attributes).toMatchObject({ id: ref.id, additionalProperties: { state: "running" } });
  });

  it.each([
    ["an unknown instance", { workflowId: WORKFLOW_ID, instanceId: "nobody" }],
    ["an unknown workflow", { workflowId: "nobody", instanceId: "nobody" }],
  ])("does not know %s", async (_name, ids) => {
    expect(await failureOf(apiOf().getWorkflowInstance(ids))).toMatchObject({
      code: 404,
      body: { errors: [expect.any(String)] },
    });
  });

  it("does not show the instance of another workflow", async () => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const failure = await failureOf(apiOf().getWorkflowInstance({ workflowId: "wf-2", instanceId: ref.id }));
    expect(failure.code).toBe(404);
  });

  it("lists the instances of one workflow, newest first, by page number, with their total", async () => {
    const workflowId = randomUUID();
    const ids = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const id = `${workflowId}-${index}`;
        await clients.executions.registerExecution({
          kind: Kind.WORKFLOW_INSTANCE,
          id,
          detail: { case: "workflowInstance", value: { workflowId } },
        });
        return id;
      }),
    );
    const page = async (pageNumber: number) => {
      const { data = [], meta } = await apiOf().listWorkflowInstances({ workflowId, pageSize: 2, pageNumber });
      return { ids: data.map((item) => item.id ?? ""), total: meta?.page?.totalCount };
    };

    const pages = [await page(0), await page(1), await page(2), await page(3)];
    const all = await apiOf().listWorkflowInstances({ workflowId });

    expect(pages.map(({ ids: shown }) => shown.length)).toEqual([2, 2, 1, 0]);
    expect(pages.map(({ total }) => total)).toEqual([5, 5, 5, 5]);
    expect(pages.flatMap(({ ids: shown }) => shown).sort()).toEqual(ids);
    expect(all.data?.map((item) => item.id)).toEqual(pages.flatMap(({ ids: shown }) => shown));
  });

  it("lists nothing of a workflow without instances", async () => {
    const answer = await apiOf().listWorkflowInstances({ workflowId: "none" });
    expect(answer).toMatchObject({ data: [], meta: { page: { totalCount: 0 } } });
  });

  it.each([
    ["page[size] of 0", { pageSize: 0 }],
    ["page[size] of 101", { pageSize: 101 }],
    ["page[number] below 0", { pageNumber: -1 }],
  ])("refuses a %s", async (name, page) => {
    const failure = await failureOf(apiOf().listWorkflowInstances({ workflowId: WORKFLOW_ID, ...page }));
    const [parameter] = name.split(" ");
    expect(failure).toMatchObject({ code: 400, body: { errors: [expect.stringContaining(parameter!)] } });
  });
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
if (!hasCurl) console.warn("skipped: Datadog's documented call with curl, because curl is not installed");

it.skipIf(!hasCurl)("answers the documented call with curl", async () => {
  const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
  const script = `
    export workflow_id="${WORKFLOW_ID}"
    export instance_id="${ref.id}"
    export DD_API_KEY="${API_KEY}" DD_APP_KEY="${APP_KEY}"
    curl -X PUT "${server.url}/api/v2/workflows/\${workflow_id}/instances/\${instance_id}/cancel" \\
-H "Accept: application/json" \\
-H "DD-API-KEY: \${DD_API_KEY}" \\
-H "DD-APPLICATION-KEY: \${DD_APP_KEY}"`;

  const { exitCode, stdout } = await run("sh", ["-c", script], tmpdir());

  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ data: { id: ref.id } });
});
