import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { startWork } from "../e2e/work.ts";
import { type Answer, callJson, postJson } from "./json_call.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

const said = ({ status, body }: Answer) => ({ status, body });

describe.each(["/v5/assessments", "/assessments"])("POST %s", (path) => {
  const create = (key: string, body: object): Promise<Answer> =>
    postJson(server.url + path, body, { "idempotency-key": key });

  it("creates one assessment a key, and shows it as it was then", async () => {
    const key = randomUUID();
    const first = await create(key, { entity_id: "e-1", template_id: "t-1" });
    await postJson(`${server.url}${path}/${first.body.id}/cancel-workflow`, {});

    const second = await create(key, { template_id: "t-1", entity_id: "e-1" });

    expect(first).toMatchObject({ status: 201, body: { workflow_state: "Active" } });
    expect(said(second)).toEqual(said(first));
  });

  it("refuses the key for another assessment", async () => {
    const key = randomUUID();
    await create(key, { entity_id: "e-1", template_id: "t-1" });

    const { status, body } = await create(key, { entity_id: "e-2", template_id: "t-1" });

    expect(status).toBe(422);
    expect(body.error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("used before") });
  });
});

describe("Camunda's batch operations", () => {
  const BATCHES = "/v2/process-instances/cancellation";
  const create = (key: string, body: object): Promise<Answer> =>
    postJson(server.url + BATCHES, body, { "idempotency-key": key });
  const steer = (batch: string, verb: string, key: string): Promise<Answer> =>
    callJson(`${server.url}/v2/batch-operations/${batch}/${verb}`, {
      method: "POST",
      headers: { "idempotency-key": key },
    });
  const stateOf = async (batch: string): Promise<string> =>
    (await callJson(`${server.url}/v2/batch-operations/${batch}`)).body.state;

  /** A batch operation that does not end by itself: its one instance does not stop. */
  async function startBatch(): Promise<string> {
    const { ref } = await startWork(clients, Kind.PROCESS_INSTANCE, { lease: 600 });
    const { body } = await create(randomUUID(), { filter: { processInstanceKey: ref.id } });
    return body.batchOperationKey;
  }

  it("are made once a key, however the same is said", async () => {
    const key = randomUUID();
    const filter = { processDefinitionId: randomUUID(), state: "ACTIVE" };
    const first = await create(key, { filter, operationReference: 7 });

    const second = await create(key, {
      operationReference: "7",
      filter: Object.fromEntries(Object.entries(filter).reverse()),
    });

    expect(first.status).toBe(200);
    expect(said(second)).toEqual(said(first));
  });

  it("are refused under the key of another one", async () => {
    const key = randomUUID();
    await create(key, { filter: { processDefinitionId: "one" } });

    const { status, body } = await create(key, { filter: { processDefinitionId: "other" } });

    expect({ status, body }).toMatchObject({
      status: 422,
      body: { title: "INVALID_ARGUMENT", detail: expect.stringContaining("used before") },
    });
  });

  it("are steered once a key, also if they were steered otherwise since", async () => {
    const batch = await startBatch();
    const [suspend, resume, cancel] = [randomUUID(), randomUUID(), randomUUID()];
    const first = await steer(batch, "suspension", suspend);
    const repeated = await steer(batch, "suspension", suspend);
    await steer(batch, "resumption", resume);

    const late = await steer(batch, "suspension", suspend);

    expect([first.status, repeated.status, late.status]).toEqual([204, 204, 204]);
    expect(await stateOf(batch)).toBe("ACTIVE");
    expect((await steer(batch, "resumption", resume)).status).toBe(204);
    expect((await steer(batch, "cancellation", cancel)).status).toBe(204);
    expect((await steer(batch, "cancellation", cancel)).status).toBe(204);
    expect((await steer(batch, "cancellation", randomUUID())).status).toBe(404);
  });

  it("take one key for each way of steering", async () => {
    const batch = await startBatch();
    const key = randomUUID();
    await steer(batch, "suspension", key);

    const { status } = await steer(batch, "resumption", key);

    expect(status).toBe(204);
    expect(await stateOf(batch)).toBe("ACTIVE");
  });
});

describe("the header Idempotency-Key", () => {
  const cancel = async (headers: [string, string][]): Promise<Answer> => {
    const { ref } = await startWork(clients, Kind.PROCESS);
    return callJson(`${server.url}/processes/${ref.id}/cancel`, {
      method: "POST",
      headers: [["content-type", "application/json"], ...headers],
      body: JSON.stringify({ reason: "wrong phone", requested_by: { system: "test" } }),
    });
  };

  it.each([
    ["is empty", [["idempotency-key", ""]]],
    ["is an empty string", [["idempotency-key", '""']]],
    ["has a comma in double quotes", [["idempotency-key", '"a, b"']]],
    ["has 255 characters", [["idempotency-key", "k".repeat(255)]]],
  ] as [string, [string, string][]][])("may be one that %s", async (_case, headers) => {
    expect((await cancel(headers)).status).toBe(200);
  });

  it.each([
    [
      "is sent twice",
      [
        ["idempotency-key", "a"],
        ["idempotency-key", "b"],
      ],
    ],
    [
      "is sent twice as a string",
      [
        ["idempotency-key", '"a"'],
        ["idempotency-key", '"b"'],
      ],
    ],
    ["has 256 characters", [["idempotency-key", "k".repeat(256)]]],
    ["has no end", [["idempotency-key", '"a']]],
    ["is no ASCII", [["idempotency-key", "sch\u00f6n"]]],
  ] as [string, [string, string][]][])("is refused if it %s", async (_case, headers) => {
    const { status, body } = await cancel(headers);

    expect(status).toBe(422);
    expect(body.detail).toMatchObject([{ loc: ["header", "Idempotency-Key"] }]);
  });
});
