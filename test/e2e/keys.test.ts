import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { createBelay } from "../../src/client/index.ts";
import { belay } from "../cli/belay_command.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { startWork, WORKFLOW_ID } from "./work.ts";

const KEY = "a-key-that-permits-everything";
const NARROW = "a-key-that-permits-reading-only";

let folder: string;
let server: TestServer;
let clients: Clients;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "belay-keys-"));
  const file = join(folder, "keys");
  writeFileSync(file, `# comments and empty lines are passed over\n\n${KEY} ops\n${NARROW} viewer executions:read\n`);
  server = await startServer("--api-key-file", file);
  clients = clientsOf(server.url, KEY);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function getProcess(headers: Record<string, string>): Promise<Response> {
  return fetch(`${server.url}/belay.v1.ExecutionService/GetProcess`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ processId: "unknown" }),
  });
}

const basic = (password: string): string => `Basic ${Buffer.from(`anybody:${password}`).toString("base64")}`;

describe("a server with keys", () => {
  it.each([
    { authorization: `Bearer ${KEY}` },
    { authorization: basic(KEY) },
    { "api-key": KEY },
    { apikey: KEY },
    { "dd-api-key": KEY, "dd-application-key": NARROW },
    { authorization: "", apikey: KEY },
  ])("lets in whoever shows one: %o", async (headers) => {
    const response = await getProcess(headers);

    expect(response.status).toBe(404);
  });

  it.each([
    {},
    { authorization: "" },
    { authorization: "Bearer somebody-else's" },
    { authorization: basic("wrong") },
    { "api-key": `${KEY}x` },
    { "dd-api-key": KEY },
    { "dd-api-key": KEY, "dd-application-key": "wrong" },
  ])("refuses everybody else: %o", async (headers) => {
    const response = await getProcess(headers);

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: "unauthenticated",
      details: [{ debug: { reason: "UNAUTHENTICATED", domain: "belay.v1" } }],
    });
  });

  it("asks gRPC callers for the same, streams too", async () => {
    const strangers = clientsOf(server.url, "nobody-knows-this-key");
    await expect(strangers.executions.getProcess({ processId: "p" })).rejects.toThrow(/unauthenticated/);
    const attached = strangers.workers.attach({ workerId: "w" })[Symbol.asyncIterator]();
    await expect(attached.next()).rejects.toThrow(/unauthenticated/);
  });

  it("asks for the scope of a workflow instance's cancel at this door too", async () => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_INSTANCE);
    const request = { workflowId: WORKFLOW_ID, instanceId: ref.id };

    const viewer = clientsOf(server.url, NARROW).cancellations.cancelWorkflowInstance(request);

    await expect(viewer).rejects.toThrow(/permission_denied.*lacks the scope cancel:workflow_instance/);
    expect((await clients.cancellations.cancelWorkflowInstance(request)).id).toBe(ref.id);
  });

  it("answers health checks without one, because load balancers have none", async () => {
    const health = createClient(Health, createGrpcTransport({ baseUrl: server.url }));

    await expect(health.check({})).resolves.toMatchObject({ status: 1 });
  });

  it("is served by the client library and the command line, which take the key from where it is not seen", async () => {
    const client = createBelay({ address: server.url, apiKey: KEY });
    await expect(client.run({ kind: "process", id: "with-key" }, () => ({ pages: 3 }))).resolves.toEqual({ pages: 3 });
    client.close();

    const shown = await belay(["get", "process", "with-key", "--address", server.url], { BELAY_API_KEY: KEY });
    expect(shown).toMatchObject({ exitCode: 0 });
    const refused = await belay(["get", "process", "with-key", "--address", server.url]);
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain("set BELAY_API_KEY to a key that the server knows");
  });
});
