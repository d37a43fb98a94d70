import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { PHONEFARM } from "../../src/rest/phonefarm.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { run } from "../e2e/program.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { finishedWork, stopWhenTold } from "../e2e/work.ts";
import { type Answer, callJson, postJson } from "./json_call.ts";
import { type DocumentedProcess, REQUEST, registerDocumented, startProcess } from "./phonefarm_processes.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

const call = (path: string, init?: RequestInit): Promise<Answer> => callJson(`${server.url}${path}`, init);

function post(id: string, body: unknown, headers?: Record<string, string>): Promise<Answer> {
  return postJson(`${server.url}/processes/${id}/cancel`, body, headers);
}

function answerOf({ id, item }: DocumentedProcess) {
  return {
    status: "cancel_requested",
    cancelled_queue_item_ids: [item],
    active_queue_item_ids: [],
    active_target: {
      process_id: id,
      phone_id: "phone_01",
      account_id: "account_user095916355",
      queue_item_id: null,
      capability_request_id: id,
    },
    termination: { process_id: id, status: "not_needed", terminate_issued: false, container: null },
    process: { process_id: id, status: "cancelled" },
  };
}

describe("POST /processes/{process_id}/cancel", () => {
  it("gives the documented request the documented answer, field for field", async () => {
    const process = await registerDocumented(clients);

    const { status, headers, body } = await post(process.id, REQUEST);

    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual(answerOf(process));
  });

  it("soft_then_force asks running work to stop, and shows what is active and that a terminate may come", async () => {
    const work = await startProcess(clients);
    const { id } = work;

    const { body } = await post(id, { ...REQUEST, force_after_seconds: 60 });

    expect(body).toEqual({
      status: "cancel_requested",
      cancelled_queue_item_ids: ["waiting"],
      active_queue_item_ids: ["working"],
      active_target: {
        process_id: id,
        phone_id: "phone_01",
        account_id: null,
        queue_item_id: "working",
        capability_request_id: null,
      },
      termination: { process_id: id, status: "pending", terminate_issued: false, container: "c0ffee" },
      process: { process_id: id, status: "executing" },
    });
    await stopWhenTold(clients, work);
    const after = await call(`/processes/${id}`);
    expect(after.body).toMatchObject({ status: "cancelled" });
  });

  it("hard terminates running work", async () => {
    const work = await startProcess(clients);
    const { id } = work;
    const stopped = stopWhenTold(clients, work);

    const { status } = await post(id, { ...REQUEST, strategy: "hard" });
    await stopped;

    expect(status).toBe(200);
    const again = await post(id, REQUEST);
    expect(again.body).toMatchObject({
      status: "ignored_terminal",
      termination: { status: "issued", terminate_issued: true },
      process: { process_id: id, status: "cancelled" },
    });
  });

  it("soft marks running work as cancelled at once", async () => {
    const { id } = await startProcess(clients);

    const { body } = await post(id, { ...REQUEST, strategy: "soft" });

    expect(body).toMatchObject({ termination: { status: "not_needed" }, process: { status: "cancelled" } });
  });

  it("takes soft_then_force and 10 seconds where nothing else is asked for", async () => {
    const { id } = await startProcess(clients);
    const { reason, requested_by } = REQUEST;

    await post(id, { reason, requested_by, strategy: null, unknown_field: 1 });

    const { process } = await clients.executions.getProcess({ processId: id });
    expect(process?.execution?.cancellation).toMatchObject({ strategy: 3, forceAfterSeconds: 10 });
  });

  it("is one with the cancellation that gRPC shows", async () => {
    const { id } = await registerDocumented(clients);

    await post(id, REQUEST);

    const { process } = await clients.executions.getProcess({ processId: id });
    expect(process?.execution?.cancellation).toMatchObject({
      reason: REQUEST.reason,
      requestedBy: { system: "ugc-tracker", user: "operator@example.com", metadata: {} },
    });
    const { cancellations } = await clients.cancellations.listCancellations({
      execution: { kind: Kind.PROCESS, id },
    });
    expect(cancellations).toHaveLength(1);
  });

  it("answers from the current state when it is repeated", async () => {
    const { id } = await startProcess(clients);
    const started = await post(id, REQUEST);
    const joined = await post(id, REQUEST);
    const escalated = await post(id, { ...REQUEST, strategy: "hard" });

    expect(started.body.status).toBe("cancel_requested");
    expect(joined.body).toEqual(started.body);
    expect(escalated.body).toMatchObject({ status: "cancel_requested", process: { status: "executing" } });
  });

  it("ignores a process that has finished", async () => {
    const { ref } = await finishedWork(clients, Kind.PROCESS);

    const { status, body } = await post(ref.id, REQUEST);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "ignored_terminal",
      cancelled_queue_item_ids: [],
      process: { process_id: ref.id, status: "completed" },
    });
  });

  it("replays the first answer to a repeated Idempotency-Key, and refuses it for another request", async () => {
    const process = await registerDocumented(clients);
    const key = { "idempotency-key": randomUUID() };

    const answers = [await post(process.id, REQUEST, key), await post(process.id, REQUEST, key)];
    const other = await post(process.id, { ...REQUEST, reason: "another" }, key);

    for (const { body } of answers) expect(body).toEqual(answerOf(process));
    expect(other.status).toBe(422);
    expect(other.body.detail[0].loc).toEqual(["header", "Idempotency-Key"]);
  });
});

describe("an invalid cancel is a 422 that names", () => {
  const missing = { msg: "is required", type: "missing" };
  const strategy = {
    loc: ["body", "strategy"],
    msg: "must be one of soft, hard, soft_then_force",
    type: "value_error",
  };
  const { reason: _reason, ...withoutReason } = REQUEST;
  const { requested_by: _requestedBy, ...withoutRequester } = REQUEST;

  it.each<[string, unknown, readonly object[]]>([
    ["a missing reason", withoutReason, [{ loc: ["body", "reason"], ...missing }]],
    ["an empty reason", { ...REQUEST, reason: "" }, [{ loc: ["body", "reason"], ...missing }]],
    ["a missing requested_by", withoutRequester, [{ loc: ["body", "requested_by"], ...missing }]],
    ["an unknown strategy", { ...REQUEST, strategy: "gently" }, [strategy]],
    ["a strategy in Belay's own words", { ...REQUEST, strategy: "STRATEGY_SOFT" }, [strategy]],
    ["a strategy that is a number", { ...REQUEST, strategy: 1 }, [strategy]],
    [
      "a negative force_after_seconds",
      { ...REQUEST, force_after_seconds: -1 },
      [{ loc: ["body", "force_after_seconds"], msg: "must be greater than or equal to 0", type: "value_error" }],
    ],
    [
      "a fraction",
      { ...REQUEST, force_after_seconds: 1.5 },
      [{ loc: ["body", "force_after_seconds"], msg: expect.stringContaining("an integer"), type: "value_error" }],
    ],
    [
      "requested_by of the wrong type",
      { ...REQUEST, requested_by: "me" },
      [{ loc: ["body", "requested_by"], msg: expect.stringContaining("must be an object"), type: "value_error" }],
    ],
    [
      "a field within requested_by",
      { ...REQUEST, requested_by: { system: 7 } },
      [{ loc: ["body", "requested_by", "system"], msg: "must be a string, not 7", type: "value_error" }],
    ],
    [
      "everything that is wrong",
      { strategy: "gently" },
      [strategy, { loc: ["body", "reason"], ...missing }, { loc: ["body", "requested_by"], ...missing }],
    ],
    [
      "the fields that no body has",
      {},
      [
        { loc: ["body", "reason"], ...missing },
        { loc: ["body", "requested_by"], ...missing },
      ],
    ],
    ["a body that is no object", [1], [{ loc: ["body"], msg: expect.any(String), type: "value_error" }]],
    ["a body that is cut off", '{"reason": ', [{ loc: ["body"], msg: expect.any(String), type: "json_invalid" }]],
  ])("%s", async (_name, body, detail) => {
    const { id } = await registerDocumented(clients);

    const answer = await post(id, body);

    expect(answer.status).toBe(422);
    expect(answer.body).toEqual({ detail: expect.arrayContaining([...detail]) });
    expect(answer.body.detail).toHaveLength(detail.length);
    const { body: after } = await call(`/processes/${id}`);
    expect(after.timestamps.cancel_requested_at).toBeNull();
  });

  it("the missing fields of a request without a body", async () => {
    const { id } = await registerDocumented(clients);

    const { status, body } = await call(`/processes/${id}/cancel`, { method: "POST" });

    expect(status).toBe(422);
    expect(body.detail).toHaveLength(2);
  });
});

describe("errors", () => {
  it("404 where no such process is registered", async () => {
    const read = await call("/processes/nobody");
    const cancelled = await post("nobody", REQUEST);

    for (const { status, body } of [read, cancelled]) {
      expect({ status, body }).toEqual({ status: 404, body: { detail: "no process 'nobody' is registered" } });
    }
  });

  it("404 at an unknown path, 405 with Allow for another method", async () => {
    const unknown = await call("/processes/p-1/pause", { method: "POST" });
    const wrongMethod = await call("/processes/p-1/cancel");

    expect(unknown).toMatchObject({ status: 404, body: { detail: expect.any(String) } });
    expect(wrongMethod).toMatchObject({ status: 405, body: { detail: expect.any(String) } });
    expect(wrongMethod.headers.get("allow")).toBe("POST");
  });

  it("415 for a body of another type, 413 for one that is too large", async () => {
    const text = await post("p-1", "reason=stop", { "content-type": "text/plain" });
    const large = await post("p-1", { ...REQUEST, reason: "x".repeat(2 ** 23) });

    expect(text).toMatchObject({ status: 415, body: { detail: expect.any(String) } });
    expect(large).toMatchObject({ status: 413, body: { detail: expect.any(String) } });
  });

  it("409 for a conflict of states", () => {
    const problem = { reason: "NOT_A_ROOT", message: "p-1 is a child", metadata: {}, violations: [], headers: {} };

    const answer = PHONEFARM.error(
      { ...problem, code: Code.FailedPrecondition, status: null },
      "/processes/p-1/cancel",
    );

    expect(answer).toMatchObject({ status: 409, body: { detail: "p-1 is a child" } });
  });

  it.each([
    [Code.PermissionDenied, "", 403],
    [Code.ResourceExhausted, "", 429],
    [Code.ResourceExhausted, "OVERLOADED", 503],
    [Code.Unavailable, "SHUTTING_DOWN", 503],
    [Code.Internal, "INTERNAL", 500],
  ])("code %i %s is a %i", (code, reason, status) => {
    const problem = { code, reason, message: "so", metadata: {}, violations: [], status: null };

    const answer = PHONEFARM.error({ ...problem, headers: { "retry-after": "1" } }, "/processes/p-1");

    expect(answer).toEqual({ status, headers: { "retry-after": "1" }, body: { detail: "so" } });
  });
});

describe("with keys", () => {
  const KEY = "phonefarm-test-key-1";
  let guarded: TestServer;
  beforeAll(async () => {
    guarded = await startServer("--api-key", KEY);
  });
  afterAll(() => guarded.close());

  it.each<[string, Record<string, string>]>([
    ["no header", {}],
    ["an empty header", { authorization: "" }],
    ["another key", { authorization: "Bearer somebody-elses-key" }],
    ["another product's header", { apikey: KEY }],
  ])("401 with %s", async (_name, headers) => {
    const { status, headers: answered, body } = await callJson(`${guarded.url}/processes/p-1`, { headers });

    expect(status).toBe(401);
    expect(answered.get("www-authenticate")).toBe("Bearer");
    expect(body).toEqual({ detail: expect.any(String) });
  });

  it("lets in who shows the key as a bearer token", async () => {
    const { status } = await callJson(`${guarded.url}/processes/p-1`, { headers: { authorization: `Bearer ${KEY}` } });

    expect(status).toBe(404);
  });

  const hasCurl = spawnSync("curl", ["--version"]).status === 0;
  if (!hasCurl) console.warn("skipped: the documented command, because curl is not installed");

  it.skipIf(!hasCurl)("the documented command works as it is printed", async () => {
    const id = randomUUID();
    await fetch(`${guarded.url}/belay.v1.ExecutionService/RegisterExecution`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ kind: "KIND_PROCESS", id, queueItems: [{ id: "q-1" }] }),
    });
    const command = `curl -X POST "$PHONEFARM_BASE_URL/processes/$PROCESS_ID/cancel" \\
  -H "Authorization: Bearer $PHONEFARM_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "reason": "operator requested stop",
    "strategy": "soft_then_force",
    "force_after_seconds": 10,
    "requested_by": {
      "system": "ugc-tracker",
      "user": "operator@example.com",
      "metadata": {}
    }
  }'`;

    const variables = `PHONEFARM_BASE_URL=${guarded.url}; PROCESS_ID=${id}; PHONEFARM_API_KEY=${KEY};\n`;
    const { exitCode, stdout } = await run("sh", ["-c", variables + command], tmpdir());

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "cancel_requested",
      cancelled_queue_item_ids: ["q-1"],
      process: { process_id: id, status: "cancelled" },
    });
  });
});
