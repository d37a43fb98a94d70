/** Datadog's own client, unmodified, against a real rate limit. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { client, v2 } from "@datadog/datadog-api-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { startWork, WORKFLOW_ID } from "../e2e/work.ts";

const OWN_KEY = "key-of-the-test-0123456789";
const folder = mkdtempSync(join(tmpdir(), "belay-datadog-rate-"));
let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  const keys = join(folder, "keys");
  // A key for each test, because each uses up its limit.
  const names = ["refused", "patient", "curious"];
  writeFileSync(keys, `${names.map((name) => `${keyOf(name)} ${name} admin\n`).join("")}${OWN_KEY} test admin\n`, {
    mode: 0o600,
  });
  server = await startServer("--api-key-file", keys, "--rate-limit-per-key", "2/2s");
  clients = clientsOf(server.url, OWN_KEY);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function keyOf(name: string): string {
  return `datadog-api-key-${name}`;
}

function apiOf(name: string, enableRetry: boolean) {
  const authMethods = { apiKeyAuth: keyOf(name), appKeyAuth: keyOf(name) };
  const configuration = client.createConfiguration({ serverIndex: 1, authMethods, enableRetry });
  configuration.setServerVariables({ protocol: "http", name: new URL(server.url).host });
  return new v2.WorkflowAutomationApi(configuration);
}

it("reads the refusal as what it is", async () => {
  const api = apiOf("refused", false);
  const list = () => api.listWorkflowInstances({ workflowId: WORKFLOW_ID });
  await list();
  await list();

  const refused = await list().then(
    () => null,
    (error: unknown) => error,
  );

  expect(refused).toMatchObject({
    code: 429,
    body: { errors: [expect.stringContaining("over the limit of this key")] },
  });
});

it("waits as long as it is told, and then succeeds", async () => {
  const work = await startWork(clients, Kind.WORKFLOW_INSTANCE);
  const api = apiOf("patient", true);
  const get = () => api.getWorkflowInstance({ workflowId: WORKFLOW_ID, instanceId: work.ref.id });

  // More than two periods allow: without waiting, the last of them would fail.
  const answers = [await get(), await get(), await get(), await get(), await get()];

  expect(new Set(answers.map(({ data }) => data?.attributes?.id))).toEqual(new Set([work.ref.id]));
});

it("is told with every answer how close it is to the limit", async () => {
  const headers = { "dd-api-key": keyOf("curious"), "dd-application-key": keyOf("curious") };
  const list = () => fetch(`${server.url}/api/v2/workflows/${WORKFLOW_ID}/instances`, { headers });
  const fieldsOf = (answer: Response) =>
    ["limit", "period", "remaining", "reset", "name"].map((field) => answer.headers.get(`x-ratelimit-${field}`));

  const answers = [await list(), await list(), await list()];

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers.map((answer) => fieldsOf(answer).toSpliced(3, 1))).toEqual([
    ["2", "2", "1", "key"],
    ["2", "2", "0", "key"],
    ["2", "2", "0", "key"],
  ]);
  for (const answer of answers) expect(answer.headers.get("x-ratelimit-reset")).toMatch(/^[12]$/);
});
