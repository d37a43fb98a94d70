/** A real rate limit, as the clients of each door see it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

/** So long that no test sees its end. */
const RATE = "2/1h";

const NAMES = ["camunda", "phonefarm", "datadog", "maxsight", "retab", "grpc", "connect", "application"];
const keyOf = (name: string): string => `rate-limit-key-of-${name}`;

const folder = mkdtempSync(join(tmpdir(), "belay-rates-"));
let server: TestServer;
beforeAll(async () => {
  const keys = join(folder, "keys");
  writeFileSync(keys, NAMES.map((name) => `${keyOf(name)} ${name} admin\n`).join(""), { mode: 0o600 });
  server = await startServer("--api-key-file", keys, "--rate-limit-per-key", RATE);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const DATADOG_KEYS = { "dd-api-key": keyOf("datadog"), "dd-application-key": keyOf("application") };

const bearerOf = (name: string) => ({ authorization: `Bearer ${keyOf(name)}` });

describe("beyond the limit of its key, a caller is refused by", () => {
  it.each([
    ["Camunda 8", "POST", "/v2/process-instances/1/cancellation", bearerOf("camunda"), 503],
    ["PhoneFarm", "GET", "/processes/p-1", bearerOf("phonefarm"), 429],
    ["Datadog", "PUT", "/api/v2/workflows/w/instances/i/cancel", DATADOG_KEYS, 429],
    ["Maxsight", "POST", "/v5/assessments/a-1/cancel-workflow", { apikey: keyOf("maxsight") }, 429],
    ["Retab", "POST", "/v1/workflows/runs/r-1/cancel", { "api-key": keyOf("retab") }, 429],
  ])("%s, with its own status and the time to wait", async (name, method, path, headers, status) => {
    const call = () => fetch(server.url + path, { method, headers });
    expect((await call()).status).toBe(404);
    expect((await call()).status).toBe(404);

    const refused = await call();

    expect(refused.status).toBe(status);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(3_000);
    const body: unknown = await refused.json();
    if (name === "Camunda 8") expect(body).toMatchObject({ title: "RESOURCE_EXHAUSTED", status });
    expect(JSON.stringify(body)).toContain("over the limit of this key, 2 calls in 3600 s");
  });

  it.each([
    ["gRPC", "grpc", (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ["Connect", "connect", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  ] as const)("%s, with RetryInfo", async (_name, key, transportTo) => {
    const client = createClient(CancellationService, transportTo(server.url));
    const call = async (): Promise<ConnectError> => {
      try {
        await client.getCancellation({ cancellationId: "nobody" }, { headers: bearerOf(key) });
      } catch (error) {
        return ConnectError.from(error);
      }
      throw new Error("there is no such cancellation");
    };
    expect((await call()).code).toBe(Code.NotFound);
    expect((await call()).code).toBe(Code.NotFound);

    const refused = await call();

    expect(refused.code).toBe(Code.ResourceExhausted);
    expect(refused.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "RATE_LIMITED", metadata: { name: "key", limit: "2", period: "3600", remaining: "0" } },
    ]);
    const delay = refused.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds;
    expect(refused.metadata.get("retry-after")).toBe(String(delay));
    expect(Number(delay)).toBeGreaterThan(3_000);
  });
});
