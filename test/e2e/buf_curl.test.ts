import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cancelAndProve } from "./main_job.ts";
import { type Ran, run } from "./program.ts";
import { pathOf, rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

const BUF = resolve(import.meta.dirname, "../../node_modules/.bin/buf");

let server: TestServer;
/** Empty: no schema lies around that `buf` could read instead of asking the server. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "belay-buf-"));
  server = await startServer();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

function bufCurl(...args: string[]): Promise<Ran> {
  return run(BUF, ["curl", "--http2-prior-knowledge", ...args], folder);
}

describe.each(["grpc", "grpcweb", "connect"])("buf curl --protocol %s, with reflection only", (protocol) => {
  const curl = (rpc: string, request: JsonObject) =>
    bufCurl("--protocol", protocol, "--data", JSON.stringify(request), `${server.url}${pathOf(rpcNamed(rpc))}`);

  it("cancels a process and sees its stop proven", async () => {
    await cancelAndProve(async (rpc, request) => {
      const { exitCode, stdout, stderr } = await curl(rpc, request);
      expect(stderr).toBe("");
      expect(exitCode).toBe(0);
      return JSON.parse(stdout);
    });
  });

  it("shows why a call was refused", async () => {
    const { exitCode, stderr } = await curl("GetProcess", { processId: "no-such-process" });

    expect(exitCode).not.toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({
      code: "not_found",
      message: "no process 'no-such-process' is registered",
      details: [{ type: "google.rpc.ErrorInfo" }, { type: "google.rpc.ResourceInfo" }],
    });
  });
});

describe("buf curl", () => {
  it("lists the methods that the server has", async () => {
    const { stdout } = await bufCurl("--list-methods", server.url);

    expect(stdout.trim().split("\n")).toEqual(
      expect.arrayContaining([
        "belay.v1.CancellationService/CancelProcessInstance",
        "belay.v1.ExecutionService/RegisterExecution",
        "belay.v1.WorkerService/Attach",
        "gateway_protocol.Gateway/CancelProcessInstance",
        "grpc.health.v1.Health/Check",
      ]),
    );
  });
});
