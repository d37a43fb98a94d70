import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { processJson } from "../../src/rest/phonefarm/process_json.ts";
import { processMessage } from "../../src/rpc/convert/process.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { startWork } from "../e2e/work.ts";
import { executionOf, LEASE } from "../rpc/samples.ts";
import { type Answer, callJson, postJson } from "./json_call.ts";
import { REQUEST, registerDocumented, startProcess } from "./phonefarm_processes.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

const call = (path: string): Promise<Answer> => callJson(`${server.url}${path}`);

describe("GET /processes/{process_id}", () => {
  it("shows every documented field of a process that waits", async () => {
    const { id, item } = await registerDocumented(clients);

    const { status, body } = await call(`/processes/${id}`);

    expect(status).toBe(200);
    const created = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(body).toEqual({
      process_id: id,
      process_type: "keyword_warmup",
      request_id: "warmup-2026-03-22-001",
      status: "queued",
      target: { account_id: "account_user095916355", phone_id: "phone_01" },
      requested_by: { system: "ugc-tracker", user: "operator@example.com", metadata: { shift: "night" } },
      callback: { url: "http://127.0.0.1:9/ended", metadata: { environment: "production" } },
      result: {},
      error: null,
      timestamps: {
        created_at: created,
        accepted_at: created,
        queued_at: created,
        executing_at: null,
        retrying_at: null,
        cancel_requested_at: null,
        finished_at: null,
      },
      linked_ids: { batch: "b-1", queue_item_ids: [item], completed_queue_item_ids: [] },
      partial_progress: {},
    });
  });

  it("shows a process that was registered with nothing but its id", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);

    const { body } = await call(`/processes/${ref.id}`);

    expect(body).toMatchObject({
      process_type: "",
      request_id: null,
      status: "executing",
      target: { account_id: null, phone_id: null },
      requested_by: { system: "", user: "", metadata: {} },
      callback: null,
      timestamps: { executing_at: expect.any(String), finished_at: null },
      linked_ids: { queue_item_ids: [], completed_queue_item_ids: [] },
    });
  });

  it("shows a result with the queue items that were completed", async () => {
    const { id, token } = await startProcess(clients);
    await clients.executions.completeExecution({
      execution: { kind: Kind.PROCESS, id },
      token,
      result: { posts: 3 },
    });

    const { body } = await call(`/processes/${id}`);

    expect(body).toMatchObject({
      status: "completed",
      result: { posts: 3 },
      error: null,
      timestamps: { finished_at: expect.any(String) },
      linked_ids: { queue_item_ids: ["waiting", "working"], completed_queue_item_ids: ["waiting", "working"] },
    });
  });

  it("shows an error", async () => {
    const { id, token } = await startProcess(clients);
    const error = { type: "Banned", message: "the account is gone", step: "login", details: { code: 7 } };
    await clients.executions.failExecution({ execution: { kind: Kind.PROCESS, id }, token, error });

    const { body } = await call(`/processes/${id}`);

    expect(body).toMatchObject({ status: "failed_terminal", result: {}, error });
  });

  it("shows when a cancel was asked for", async () => {
    const { id } = await startProcess(clients);
    await postJson(`${server.url}/processes/${id}/cancel`, { ...REQUEST, force_after_seconds: 60 });

    const { body } = await call(`/processes/${id}`);

    expect(body).toMatchObject({
      status: "executing",
      timestamps: { cancel_requested_at: expect.any(String), finished_at: null },
    });
  });

  it("shows a process whose worker was lost as retrying", () => {
    const lost = processMessage(executionOf("process", { lease: { ...LEASE, expired: true } }));

    expect(processJson(lost)).toMatchObject({ status: "retrying", timestamps: { retrying_at: null } });
  });
});
