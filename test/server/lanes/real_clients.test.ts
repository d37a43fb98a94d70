/** The clients that people use can't tell a server with the lane from one without. */
import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationService } from "../../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../../gen/belay/v1/execution_service_pb.ts";
import { Health } from "../../../gen/grpc/health/v1/health_pb.ts";
import { addServeOptions, configOf } from "../../../src/cli/serve_options.ts";
import type { RunningServer } from "../../../src/server/config.ts";
import { startServer } from "../../../src/server/main.ts";
import { type CallOptions, REAL_CLIENTS, type RealClient, type Told } from "./real_clients.ts";
import { likened } from "./seen.ts";

const { cancelProcess, cancelProcessInstance, getCancellation } = CancellationService.method;
const { registerExecution, getProcess } = ExecutionService.method;

const servers: RunningServer[] = [];
beforeAll(async () => {
  for (const lanes of [true, false]) {
    const flags = ["--host", "127.0.0.1", "--port", "0", "--db", ":memory:", "--log-level", "silent"];
    const config = configOf(addServeOptions(new Command()).parse(flags, { from: "user" }).opts());
    servers.push(await startServer(config, { lanes }));
  }
});
afterAll(async () => {
  for (const server of servers) await server.close();
});

describe.each(Object.entries(REAL_CLIENTS))("a client of %s", (name, clientOf) => {
  /** What it is told by the server with the lane; fails unless the other one tells the same. */
  async function toldBy(script: (client: RealClient) => Promise<readonly Told[]>): Promise<readonly Told[]> {
    const [withLane = [], without = []] = await Promise.all(
      servers.map(async ({ url }) => {
        const client = clientOf(url);
        return script(client).finally(() => client.close());
      }),
    );
    expect(withLane.map(alike)).toEqual(without.map(alike));
    return withLane;
  }

  const told = (method: DescMethodUnary, request: JsonObject, options?: CallOptions) =>
    toldBy(async (client) => [await client.call(method, request, options)]);

  it("does the main job, and is told the headers and trailers", async () => {
    const processId = `process of ${name}`;
    const request = { processId, reason: "wrong input", requestedBy: { system: "tests" } };

    const all = await toldBy(async (client) => [
      await client.call(registerExecution, { kind: "KIND_PROCESS", id: processId, labels: { team: "data" } }),
      await client.call(cancelProcess, request, {
        headers: { "x-request-id": "of-the-client", "idempotency-key": "k-1" },
      }),
      await client.call(cancelProcess, request, { headers: { "x-request-id": "once-more", "idempotency-key": "k-1" } }),
      await client.call(getProcess, { processId }),
    ]);

    expect(all.map(({ code }) => code)).toEqual(["Ok", "Ok", "Ok", "Ok"]);
    expect(all[1]?.header).toContain("x-request-id: of-the-client");
  });

  it.each([
    [
      "that a process is not there",
      cancelProcess,
      { processId: "none", reason: "r", requestedBy: { system: "s" } },
      "NotFound",
      2,
    ],
    ["every field that is wrong", cancelProcess, {}, "InvalidArgument", 2],
    ["that a cancellation is not there", getCancellation, { cancellationId: "none" }, "NotFound", 2],
  ] as const)("is told %s, with the details of the error", async (_what, method, request, code, details) => {
    const [error] = await told(method, request);

    expect(error?.code).toBe(code);
    expect(error?.details).toHaveLength(details);
  });

  it("is told when its deadline passes", async () => {
    const processInstanceKey = keyOf(name, 1);

    const [, error] = await toldBy(async (client) => {
      const registered = await client.call(registerExecution, waiting(processInstanceKey));
      const { code } = await client.call(cancelProcessInstance, { processInstanceKey }, { timeoutMs: 300 });
      // Who is first, the server or the client itself, is chance, and so are the words.
      return [registered, { code, answer: null, details: [], header: [], trailer: [] }];
    });

    expect(error?.code).toBe("DeadlineExceeded");
  });

  it("may leave, and is served again", async () => {
    const processInstanceKey = keyOf(name, 2);

    const [, left, next] = await toldBy(async (client) => {
      const leaving = new AbortController();
      const registered = await client.call(registerExecution, waiting(processInstanceKey));
      const answer = client.call(cancelProcessInstance, { processInstanceKey }, { signal: leaving.signal });
      // Once it shows, the call waits.
      await expect.poll(() => stateOf(client, processInstanceKey)).toBe("EXECUTION_STATE_CANCELLING");
      leaving.abort();
      return [registered, await answer, await client.call(Health.method.check, {})];
    });

    expect(left?.code).toBe("Canceled");
    expect(next?.answer).toEqual({ status: "SERVING" });
  });

  it("has many calls answered at once", async () => {
    // The only calls of which a busy server refuses none.
    const all = await toldBy((client) =>
      Promise.all(Array.from({ length: 50 }, () => client.call(Health.method.check, {}))),
    );

    expect(new Set(all.map(({ code }) => code))).toEqual(new Set(["Ok"]));
  });
});

/** An execution whose cancellation waits for a listener that nobody completes. */
function waiting(id: string): JsonObject {
  return { kind: "KIND_PROCESS_INSTANCE", id, listeners: [{ type: "never" }] };
}

async function stateOf(client: RealClient, processInstanceKey: string): Promise<unknown> {
  const { answer } = await client.call(ExecutionService.method.getProcessInstance, { processInstanceKey });
  return JSON.stringify(answer).match(/EXECUTION_STATE_\w+/)?.[0];
}

/** One that no other client has. */
function keyOf(name: string, which: number): string {
  return String(4_503_599_627_370_000 + Object.keys(REAL_CLIENTS).indexOf(name) * 10 + which);
}

// Both servers have clocks of their own, and events of all clients.
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
const SEQUENCE = /"sequence":"\d+"/g;

// At a full second a time is shorter, and so is the answer with it.
const LENGTH = /content-length: \d+/g;

function alike(told: Told): unknown {
  const text = likened(JSON.stringify(told));
  const same = text.replaceAll(TIME, "(now)").replaceAll(SEQUENCE, '"sequence":"(next)"');
  return same === text ? text : same.replaceAll(LENGTH, "content-length: (that of the times too)");
}
