/** Retab's contract on the wire, as the clients of its two generations read it. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { TriggerType } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { startBelay } from "../cli/belay_command.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { run as runProgram } from "../e2e/program.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancelledWork, finishedWork, startWork, stopWhenTold, untilEnded } from "../e2e/work.ts";
import type { AnyJson } from "./json_call.ts";

const KEY = "sk_retab_0123456789";
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer("--api-key", KEY);
  clients = clientsOf(server.url, KEY);
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: AnyJson;
}

async function call(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(server.url + path, { method, headers: { "Api-Key": KEY }, ...init });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

function cancelRun(id: string, body?: unknown): Promise<Answer> {
  if (body === undefined) return call("POST", `/v1/workflows/runs/${id}/cancel`);
  const headers = { "Api-Key": KEY, "content-type": "application/json" };
  return call("POST", `/v1/workflows/runs/${id}/cancel`, { headers, body: JSON.stringify(body) });
}

/** A run with everything that the seed's example has. */
async function startExampleRun(id = `run_${randomUUID()}`) {
  const workerId = randomUUID();
  const { execution, lease } = await clients.executions.registerExecution({
    kind: Kind.WORKFLOW_RUN,
    id,
    claim: { workerId, leaseSeconds: 15 },
    detail: {
      case: "workflowRun",
      value: {
        organizationId: "org_123",
        workflow: {
          workflowId: "wf_abc123xyz",
          workflowVersionId: "ver_1",
          snapshotId: "snap_abc123",
          nameAtRunTime: "Invoice Processing",
        },
        triggerType: TriggerType.API,
      },
    },
  });
  return { ref: execution!.ref!, workerId, token: lease!.token };
}

describe("cancel", () => {
  it("answers the example of the documentation with its example response, field for field", async () => {
    const run = await startExampleRun();

    const [answer] = await Promise.all([
      cancelRun(run.ref.id, { command_id: "cmd_cancel_abc" }),
      stopWhenTold(clients, run),
    ]);

    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-request-id")).not.toBeNull();
    expect(answer.json).toMatchObject({
      run: {
        id: run.ref.id,
        organization_id: "org_123",
        workflow: { workflow_id: "wf_abc123xyz", snapshot_id: "snap_abc123", name_at_run_time: "Invoice Processing" },
        trigger: { type: "api" },
        lifecycle: { kind: "cancelled", reason: "user requested cancellation" },
        timing: {
          created_at: expect.stringMatching(ISO_TIME),
          started_at: expect.stringMatching(ISO_TIME),
          completed_at: expect.stringMatching(ISO_TIME),
          human_waiting_started_at: null,
          accumulated_human_waiting_ms: 0,
          duration_ms: expect.any(Number),
          active_duration_ms: expect.any(Number),
        },
        inputs: { documents: {}, json_data: {} },
      },
      cancellation_status: "cancelled",
    });
  });

  it("answers with what newer clients need beside it", async () => {
    const run = await startExampleRun();

    const [{ json }] = await Promise.all([cancelRun(run.ref.id), stopWhenTold(clients, run)]);

    expect(json).toMatchObject({
      run: { workflow_id: "wf_abc123xyz", workflow_version_id: "ver_1", lifecycle: { status: "cancelled" } },
      redis_available: false,
    });
  });

  it.each([
    ["no body", undefined],
    ["an empty object", {}],
    ["command_id null", { command_id: null }],
    ["unknown fields", { colour: "red" }],
  ])("takes %s", async (_name, body) => {
    const run = await startExampleRun();
    const [answer] = await Promise.all([cancelRun(run.ref.id, body), stopWhenTold(clients, run)]);
    expect(answer).toMatchObject({ status: 200, json: { cancellation_status: "cancelled" } });
  });

  it("takes a body of JSON that is empty", async () => {
    const run = await startExampleRun();
    const headers = { "Api-Key": KEY, "content-type": "application/json" };
    const [answer] = await Promise.all([
      call("POST", `/v1/workflows/runs/${run.ref.id}/cancel`, { headers, body: "" }),
      stopWhenTold(clients, run),
    ]);
    expect(answer.status).toBe(200);
  });

  it("answers cancellation_requested while the work has not stopped, and shows the end later", async () => {
    const run = await startExampleRun();

    const answer = await cancelRun(run.ref.id);
    const { execution } = (await clients.executions.getWorkflowRun({ runId: run.ref.id })).workflowRun!;
    await Promise.all([stopWhenTold(clients, run), untilEnded(clients, execution!.cancellation!.id)]);
    const later = await call("GET", `/v1/workflows/runs/${run.ref.id}`);

    expect(answer.json).toMatchObject({
      cancellation_status: "cancellation_requested",
      run: { lifecycle: { kind: "running", status: "running", reason: null }, timing: { completed_at: null } },
    });
    expect(later.json.lifecycle).toEqual({
      kind: "cancelled",
      status: "cancelled",
      reason: "user requested cancellation",
    });
  });

  it("answers cancellation_failed with the actual state where the run had finished", async () => {
    const { ref } = await finishedWork(clients, Kind.WORKFLOW_RUN);
    const answer = await cancelRun(ref.id);
    expect(answer).toMatchObject({
      status: 200,
      json: {
        cancellation_status: "cancellation_failed",
        redis_available: false,
        run: { lifecycle: { kind: "completed" } },
      },
    });
  });

  it("answers cancelled where the run had been cancelled", async () => {
    const { ref } = await cancelledWork(clients, Kind.WORKFLOW_RUN);
    expect((await cancelRun(ref.id)).json.cancellation_status).toBe("cancelled");
  });

  it("replays a command: the first answer again, and one cancellation", async () => {
    const run = await startExampleRun();
    const [first] = await Promise.all([cancelRun(run.ref.id, { command_id: "cmd_1" }), stopWhenTold(clients, run)]);

    const second = await cancelRun(run.ref.id, { command_id: "cmd_1" });

    const { cancellations } = await clients.cancellations.listCancellations({ execution: run.ref });
    expect(second.json).toEqual(first.json);
    expect(cancellations).toHaveLength(1);
  });

  it("finds an id that holds what should have been encoded", async () => {
    const id = `run:2026-05-01T14:30:00+02:00@host,a;b=c$(d)~'e'!${randomUUID()}`;
    const run = await startExampleRun(id);
    const [answer] = await Promise.all([cancelRun(id), stopWhenTold(clients, run)]);
    expect(answer).toMatchObject({ status: 200, json: { run: { id } } });
  });

  it("finds an id that was encoded, slash and all", async () => {
    const id = `a/b?c#d é ${randomUUID()}`;
    const run = await startExampleRun(id);
    const [answer] = await Promise.all([cancelRun(encodeURIComponent(id)), stopWhenTold(clients, run)]);
    expect(answer).toMatchObject({ status: 200, json: { run: { id } } });
  });

  it("is the cancellation that gRPC shows", async () => {
    const run = await startExampleRun();
    await Promise.all([cancelRun(run.ref.id), stopWhenTold(clients, run)]);

    const { cancellations } = await clients.cancellations.listCancellations({ execution: run.ref });

    expect(cancellations).toMatchObject([{ reason: "user requested cancellation" }]);
  });
});

describe("errors", () => {
  it("404: no such run", async () => {
    expect(await cancelRun("run_nobody")).toMatchObject({
      status: 404,
      json: {
        detail: {
          code: "EXECUTION_NOT_FOUND",
          message: expect.stringContaining("run_nobody"),
          details: { kind: "workflow_run", id: "run_nobody" },
        },
      },
    });
    expect((await call("GET", "/v1/workflows/runs/run_nobody")).status).toBe(404);
  });

  it.each([
    ["a number", 5],
    ["an object", { a: 1 }],
    ["too long", "x".repeat(256)],
  ])("422: command_id is %s", async (_name, commandId) => {
    const answer = await cancelRun("run_1", { command_id: commandId });
    expect(answer.status).toBe(422);
    expect(answer.json.detail.details.violations).toMatchObject([{ field: "command_id" }]);
  });

  it.each([
    ["a list", []],
    ["a string", "cmd_1"],
    ["a number", 1],
  ])("422: the body is %s", async (_name, body) => {
    expect(await cancelRun("run_1", body)).toMatchObject({
      status: 422,
      json: { detail: { code: "INVALID_REQUEST", message: expect.stringContaining("JSON object") } },
    });
  });

  it("422: a command id was used with another request", async () => {
    const run = await startExampleRun();
    const cancel = { runId: run.ref.id, commandId: "cmd_2" };
    await Promise.all([
      clients.cancellations.cancelWorkflowRun({ ...cancel, reason: "another" }),
      stopWhenTold(clients, run),
    ]);

    const answer = await cancelRun(run.ref.id, { command_id: "cmd_2" });

    expect(answer).toMatchObject({ status: 422, json: { detail: { code: "IDEMPOTENCY_KEY_REUSED" } } });
  });

  it.each([
    ["no key", {}],
    ["a wrong Api-Key", { "Api-Key": "sk_wrong_0123456789" }],
    ["a wrong bearer token", { authorization: "Bearer sk_wrong_0123456789" }],
    ["an empty Authorization", { authorization: "" }],
  ])("401: %s", async (_name, headers) => {
    expect(await call("POST", "/v1/workflows/runs/run_1/cancel", { headers })).toMatchObject({
      status: 401,
      json: { detail: { code: "UNAUTHENTICATED", message: expect.any(String), details: {} } },
    });
  });
});

describe("credentials", () => {
  it.each([
    ["Api-Key", { "Api-Key": KEY }],
    ["a bearer token", { authorization: `Bearer ${KEY}` }],
    ["Api-Key beside an empty Authorization", { "Api-Key": KEY, authorization: "" }],
  ])("takes %s", async (_name, headers) => {
    const { ref } = await startWork(clients, Kind.WORKFLOW_RUN);
    expect((await call("GET", `/v1/workflows/runs/${ref.id}`, { headers })).status).toBe(200);
  });

  it("does not take access_token in the query: it would end up in logs and histories", async () => {
    const started = startBelay(["serve", "--port", "0", "--db", ":memory:", "--api-key", KEY]);
    onTestFinished(() => void started.process.kill("SIGKILL"));
    const [, url = ""] = await started.prints(/listening on (https?:\S+)/);

    expect((await fetch(`${url}/v1/workflows/runs?access_token=${KEY}`)).status).toBe(401);
  });

  it("takes access_token in the query where it is asked for, and never logs it", async () => {
    const options = ["--port", "0", "--db", ":memory:", "--log-level", "trace", "--access-token-in-query"];
    const started = startBelay(["serve", ...options, "--api-key", KEY]);
    onTestFinished(() => void started.process.kill("SIGKILL"));
    const [, url = ""] = await started.prints(/listening on (https?:\S+)/);

    const response = await fetch(`${url}/v1/workflows/runs?access_token=${KEY}`);
    await started.prints(/GET \/v1\/workflows\/runs/);

    expect(response.status).toBe(200);
    expect(started.output()).not.toContain(KEY);
  });
});

describe("get and list", () => {
  it("shows a run with all fields of both generations", async () => {
    const run = await startExampleRun();
    const { status, json } = await call("GET", `/v1/workflows/runs/${run.ref.id}`);
    expect(status).toBe(200);
    expect(json).toEqual({
      id: run.ref.id,
      organization_id: "org_123",
      workflow: {
        workflow_id: "wf_abc123xyz",
        version_id: "ver_1",
        snapshot_id: "snap_abc123",
        name_at_run_time: "Invoice Processing",
      },
      workflow_id: "wf_abc123xyz",
      workflow_version_id: "ver_1",
      trigger: { type: "api" },
      lifecycle: { kind: "running", status: "running", reason: null },
      timing: {
        created_at: expect.stringMatching(ISO_TIME),
        started_at: expect.stringMatching(ISO_TIME),
        completed_at: null,
        human_waiting_started_at: null,
        accumulated_human_waiting_ms: 0,
        duration_ms: null,
        active_duration_ms: null,
      },
      inputs: { documents: {}, json_data: {} },
    });
  });

  it("shows a failed run with the message that clients require", async () => {
    const { ref, token } = await startExampleRun();
    await clients.executions.failExecution({ execution: ref, token, error: { message: "no such document" } });
    const { json } = await call("GET", `/v1/workflows/runs/${ref.id}`);
    expect(json.lifecycle).toMatchObject({ kind: "error", status: "error", message: "no such document" });
  });

  it("pages through all runs, there and back, in both orders", async () => {
    const own = await startServer();
    onTestFinished(() => own.close());
    const ids: string[] = [];
    for (let number = 0; number < 5; number += 1) {
      const { ref } = await startWork(clientsOf(own.url), Kind.WORKFLOW_RUN);
      ids.push(ref.id);
    }
    const list = async (query: string) => {
      const response = await fetch(`${own.url}/v1/workflows/runs?${query}`);
      const { data, list_metadata: at } = (await response.json()) as {
        data: { id: string }[];
        list_metadata: { before: string | null; after: string | null };
      };
      return { ids: data.map((run) => run.id), ...at };
    };
    const newest = ids.toReversed();

    const first = await list("limit=2");
    const second = await list(`limit=2&after=${first.after}`);
    const third = await list(`limit=2&after=${second.after}`);
    const back = await list(`limit=2&before=${third.before}`);
    const start = await list(`limit=2&before=${back.before}`);
    const oldest = await list("limit=2&order=asc");
    const nextOldest = await list(`limit=2&order=asc&after=${oldest.after}`);
    const all = await list("");

    expect(first).toEqual({ ids: newest.slice(0, 2), before: null, after: newest[1] });
    expect(second).toEqual({ ids: newest.slice(2, 4), before: newest[2], after: newest[3] });
    expect(third).toEqual({ ids: newest.slice(4), before: newest[4], after: null });
    expect(back).toEqual(second);
    expect(start).toEqual(first);
    expect(oldest.ids).toEqual(ids.slice(0, 2));
    expect(nextOldest.ids).toEqual(ids.slice(2, 4));
    expect(all).toEqual({ ids: newest, before: null, after: null });
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=many", "limit"],
    ["order=up", "order"],
    ["after=run_nobody", "after"],
    ["before=run_nobody", "before"],
    ["after=a&before=b", "before"],
  ])("422: %s", async (query, field) => {
    const answer = await call("GET", `/v1/workflows/runs?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.json.detail.details.violations).toMatchObject([{ field }]);
  });
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
if (!hasCurl) console.warn("skipped: Retab's cancel with curl, because curl is not installed");

it.skipIf(!hasCurl)("answers curl", async () => {
  const run = await startExampleRun("run_abc123");
  const script = `curl --request POST --url ${server.url}/v1/workflows/runs/run_abc123/cancel \\
    --header 'Api-Key: ${KEY}' --header 'Content-Type: application/json' --data '{"command_id": "cmd_cancel_abc"}'`;

  const [{ stdout }] = await Promise.all([runProgram("sh", ["-c", script], tmpdir()), stopWhenTold(clients, run)]);

  expect(JSON.parse(stdout)).toMatchObject({ cancellation_status: "cancelled", run: { id: "run_abc123" } });
});
