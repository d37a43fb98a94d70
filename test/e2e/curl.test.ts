import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cancelAndProve } from "./main_job.ts";
import { run } from "./program.ts";
import { pathOf, rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

/** Why this machine can't run the tests; null if it can. */
function missing(): string | null {
  const { status, stdout } = spawnSync("curl", ["--version"], { encoding: "utf8" });
  if (status !== 0) return "curl is not installed";
  return /^Features:.*\bHTTP2\b/m.test(stdout) ? null : "curl was built without HTTP/2";
}

const reason = missing();
if (reason !== null) console.warn(`skipped: the tests with curl, because ${reason}`);

describe.skipIf(reason !== null).each([
  { protocol: "HTTP/1.1", version: "--http1.1", number: "1.1" },
  { protocol: "h2c with prior knowledge", version: "--http2-prior-knowledge", number: "2" },
])("curl with JSON over $protocol", ({ version, number }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  /** The answer, and below it on lines of their own its status and HTTP version. */
  const curl = async (rpc: string, request: JsonObject) => {
    const args = ["--silent", "--show-error", version, "--header", "Content-Type: application/json"];
    const writeOut = ["--write-out", "\\n%{http_code}\\n%{http_version}"];
    const url = `${server.url}${pathOf(rpcNamed(rpc))}`;
    const ran = await run("curl", [...args, ...writeOut, "--data", JSON.stringify(request), url], tmpdir());
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    const [body = "", status, httpVersion] = ran.stdout.split("\n");
    expect(httpVersion).toBe(number);
    return { status, body: JSON.parse(body) };
  };

  it("cancels a process and sees its stop proven", async () => {
    await cancelAndProve(async (rpc, request) => {
      const { status, body } = await curl(rpc, request);
      expect(status).toBe("200");
      return body;
    });
  });

  it("reads why a call was refused", async () => {
    const { status, body } = await curl("GetProcess", { processId: "no-such-process" });

    expect(status).toBe("404");
    expect(body).toMatchObject({
      code: "not_found",
      message: "no process 'no-such-process' is registered",
      details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "EXECUTION_NOT_FOUND", domain: "belay.v1" } }, {}],
    });
  });
});
