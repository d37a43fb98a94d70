import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import type { AnyJson } from "./json_call.ts";

let server: TestServer;
let clients: Clients;

beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: AnyJson;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(server.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const text = await response.text();
  return {
    status: response.status,
    contentType: response.headers.get("content-type"),
    body: text === "" ? null : JSON.parse(text),
  };
}

async function createBatch(processDefinitionId: string): Promise<string> {
  const { status, body } = await call("POST", "/v2/process-instances/cancellation", {
    filter: { processDefinitionId },
  });
  expect({ status, body }).toEqual({
    status: 200,
    body: { batchOperationKey: expect.stringMatching(/^[0-9]+$/), batchOperationType: "CANCEL_PROCESS_INSTANCE" },
  });
  return body.batchOperationKey;
}

/** The batch operation, once `isReached` holds for it. */
async function until(key: string, isReached: (batch: Answer["body"]) => boolean): Promise<Answer["body"]> {
  let latest: Answer["body"];
  const look = async () => {
    ({ body: latest } = await call("GET", `/v2/batch-operations/${key}`));
    return isReached(latest);
  };
  await expect.poll(look, { timeout: 15_000, interval: 20 }).toBe(true);
  return latest;
}

const isOver = ({ endDate }: Answer["body"]): boolean => endDate !== null;

let definitions = 0;

/** A definition that only the calling test uses. */
function newDefinition(): string {
  definitions += 1;
  return `process-${definitions}`;
}

/** Process instances of a definition, the first of them run by a worker that does not stop by itself. */
async function registerMany(processDefinitionId: string, count: number, held = 0): Promise<Held[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      clients.executions.registerExecution({
        kind: Kind.PROCESS_INSTANCE,
        detail: { case: "processInstance", value: { processDefinitionId } },
        ...(index < held && { claim: { workerId: "w-1", leaseSeconds: 600 } }),
      }),
    ),
  );
  return answers.map(({ execution, lease }) => ({ id: execution!.ref!.id, token: lease?.token ?? 0n }));
}

interface Held {
  readonly id: string;
  readonly token: bigint;
}

/** What the worker says when it has stopped. */
async function reportStopped(work: readonly Held[]): Promise<void> {
  await Promise.all(
    work.map(({ id, token }) =>
      clients.workers.reportStopped({ execution: { kind: Kind.PROCESS_INSTANCE, id }, token }),
    ),
  );
}

describe("POST /v2/process-instances/cancellation", () => {
  it("cancels 1,000 instances, of which a few finish first, and the counts are true", async () => {
    const definition = newDefinition();
    const instances = await registerMany(definition, 1_000);
    const key = await createBatch(definition);
    await call("POST", `/v2/batch-operations/${key}/suspension`);
    const finished = await Promise.allSettled(
      instances
        .slice(-5)
        .map(({ id }) => clients.executions.completeExecution({ execution: { kind: Kind.PROCESS_INSTANCE, id } })),
    );
    const early = finished.filter(({ status }) => status === "fulfilled").length;

    await call("POST", `/v2/batch-operations/${key}/resumption`);
    const batch = await until(key, isOver);

    expect(batch).toEqual({
      batchOperationKey: key,
      batchOperationType: "CANCEL_PROCESS_INSTANCE",
      state: "COMPLETED",
      startDate: expect.stringMatching(/Z$/),
      endDate: expect.stringMatching(/Z$/),
      actorType: null,
      actorId: "anonymous",
      operationsTotalCount: 1_000,
      operationsFailedCount: early,
      operationsCompletedCount: 1_000 - early,
      errors: [],
    });
    const search = { filter: { processDefinitionId: definition, state: "TERMINATED" } };
    const { body } = await call("POST", "/v2/process-instances/search", search);
    expect(body.page.totalItems).toBe(1_000 - early);
  });

  it.each([
    ["no body", undefined, "No filter provided."],
    ["an empty body", {}, "No filter provided."],
    ["no filter", { filter: null }, "No filter provided."],
    ["a filter without criteria", { filter: {} }, "At least one of filter criteria is required."],
    [
      "criteria that say nothing",
      { filter: { processDefinitionId: {}, tags: [] } },
      "At least one of filter criteria is required.",
    ],
    [
      "an alternative that says nothing",
      { filter: { $or: [{ tags: ["a"] }, {}] } },
      "At least one of filter criteria is required.",
    ],
  ])("refuses %s", async (_, body, detail) => {
    const answer = await call("POST", "/v2/process-instances/cancellation", body);

    expect(answer).toEqual({
      status: 400,
      contentType: "application/problem+json",
      body: {
        type: "about:blank",
        title: "INVALID_ARGUMENT",
        status: 400,
        detail,
        instance: "/v2/process-instances/cancellation",
      },
    });
  });

  it("makes one batch operation of a request that is repeated with its Idempotency-Key", async () => {
    const send = async (processDefinitionId: string) => {
      const response = await fetch(`${server.url}/v2/process-instances/cancellation`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": '"8e03978e"' },
        body: JSON.stringify({ filter: { processDefinitionId } }),
      });
      return { status: response.status, text: await response.text() };
    };
    const definition = newDefinition();

    const first = await send(definition);

    expect(first.status).toBe(200);
    expect(await send(definition)).toEqual(first);
    expect((await send(newDefinition())).status).toBe(422);
  });

  it("refuses a criterion that it does not know, rather than cancel more than was meant", async () => {
    const { status, body } = await call("POST", "/v2/process-instances/cancellation", { filter: { prozess: "x" } });

    expect({ status, title: body.title }).toEqual({ status: 400, title: "INVALID_ARGUMENT" });
  });

  it.each([{ state: "COMPLETED" }, { parentProcessInstanceKey: "1" }])(
    "selects nothing where the filter asks for what can't be cancelled: %j",
    async (criterion) => {
      const processDefinitionId = newDefinition();
      await registerMany(processDefinitionId, 1);

      const created = await call("POST", "/v2/process-instances/cancellation", {
        filter: { processDefinitionId, ...criterion },
      });

      const batch = await until(created.body.batchOperationKey, isOver);
      expect(batch).toMatchObject({ state: "COMPLETED", operationsTotalCount: 0 });
    },
  );
});

describe("a batch operation under way", () => {
  it("can be suspended, resumed and cancelled, each in its time", async () => {
    const definition = newDefinition();
    const work = await registerMany(definition, 3, 3);
    const key = await createBatch(definition);
    const steer = async (verb: string) => {
      const { status, body } = await call("POST", `/v2/batch-operations/${key}/${verb}`);
      return body === null ? status : `${status} ${body.title}`;
    };
    const stateAfter = async (verb: string) => [
      await steer(verb),
      (await call("GET", `/v2/batch-operations/${key}`)).body.state,
    ];

    expect(await stateAfter("resumption")).toEqual(["409 INVALID_STATE", "ACTIVE"]);
    expect(await stateAfter("suspension")).toEqual([204, "SUSPENDED"]);
    expect(await stateAfter("suspension")).toEqual(["409 INVALID_STATE", "SUSPENDED"]);
    expect(await stateAfter("resumption")).toEqual([204, "ACTIVE"]);
    expect(await stateAfter("cancellation")).toEqual([204, "CANCELED"]);
    expect(await stateAfter("cancellation")).toEqual(["404 NOT_FOUND", "CANCELED"]);
    await reportStopped(work);
    const batch = await until(key, ({ operationsCompletedCount }) => operationsCompletedCount === 3);
    expect(batch).toMatchObject({ state: "CANCELED", operationsTotalCount: 3, operationsFailedCount: 0 });
  });

  it("is finished once, after the server was killed in the middle", async () => {
    const definition = newDefinition();
    const held = (await registerMany(definition, 1_500, 10)).slice(0, 10);
    const key = await createBatch(definition);
    await server.kill();
    await server.restart();
    const waiting = await until(key, ({ operationsCompletedCount }) => operationsCompletedCount === 1_490);

    await reportStopped(held);
    const batch = await until(key, isOver);

    expect(waiting).toMatchObject({ state: "ACTIVE", endDate: null, operationsFailedCount: 0 });
    expect(batch).toMatchObject({ state: "COMPLETED", operationsTotalCount: 1_500, operationsCompletedCount: 1_500 });
    for (const { id } of held) {
      const { processInstance } = await clients.executions.getProcessInstance({ processInstanceKey: id });
      const cancellationId = processInstance!.execution!.cancellation!.id;
      const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
      const types = cancellation!.timeline.map(({ type }) => type);
      expect(types.filter((type) => type === EventType.CANCELLATION_REQUESTED)).toHaveLength(1);
      expect(types.filter((type) => type === EventType.STOP_REQUESTED)).toHaveLength(1);
    }
  });
});

describe("the searches", () => {
  it("find batch operations, the newest first, page by page", async () => {
    const keys = [await createBatch(newDefinition()), await createBatch(newDefinition())];
    const filter = { batchOperationKey: { $in: keys }, state: "COMPLETED", operationType: "CANCEL_PROCESS_INSTANCE" };

    const first = await call("POST", "/v2/batch-operations/search", { filter, page: { limit: 1 } });
    const after = { limit: 1, after: first.body.page.endCursor };
    const second = await call("POST", "/v2/batch-operations/search", { filter, page: after });

    const found = [...first.body.items, ...second.body.items].map(({ batchOperationKey }) => batchOperationKey);
    expect(found).toEqual([keys[1], keys[0]]);
    expect(first.body.page).toMatchObject({ totalItems: 2, hasMoreTotalItems: false });
    expect(first.body.items[0]).toEqual((await call("GET", `/v2/batch-operations/${keys[1]}`)).body);
  });

  it("tell of each item what became of it", async () => {
    const definition = newDefinition();
    const [held] = await registerMany(definition, 2, 1);
    const key = await createBatch(definition);
    await until(key, ({ operationsCompletedCount }) => operationsCompletedCount === 1);

    const search = { filter: { batchOperationKey: key, state: "ACTIVE" } };
    const { body } = await call("POST", "/v2/batch-operation-items/search", search);

    expect(body.items).toEqual([
      {
        operationType: "CANCEL_PROCESS_INSTANCE",
        batchOperationKey: key,
        itemKey: held!.id,
        processInstanceKey: held!.id,
        rootProcessInstanceKey: held!.id,
        state: "ACTIVE",
        processedDate: null,
        errorMessage: null,
      },
    ]);
    await reportStopped([held!]);
  });

  it.each([
    ["batch-operations", { filter: { colour: "red" } }],
    ["batch-operations", { sort: [{ field: "state" }] }],
    ["batch-operation-items", { filter: { state: { $neq: "ACTIVE" } } }],
    ["batch-operation-items", { page: { after: "nonsense" } }],
  ])("refuse what they do not know, rather than find something else: %s %j", async (what, body) => {
    expect(await call("POST", `/v2/${what}/search`, body)).toMatchObject({
      status: 400,
      body: { title: "INVALID_ARGUMENT" },
    });
  });
});

describe("a batch operation's key", () => {
  it.each([
    ["GET", "/v2/batch-operations/123", 404, "NOT_FOUND"],
    ["POST", "/v2/batch-operations/123/cancellation", 404, "NOT_FOUND"],
    ["POST", "/v2/batch-operations/123/suspension", 404, "NOT_FOUND"],
    ["POST", "/v2/batch-operations/123/resumption", 404, "NOT_FOUND"],
    ["GET", "/v2/batch-operations/nonsense", 400, "INVALID_ARGUMENT"],
    ["POST", "/v2/batch-operations/nonsense/suspension", 400, "INVALID_ARGUMENT"],
  ])("must be known, and an integer: %s %s", async (method, path, status, title) => {
    const answer = await call(method, path);

    expect(answer).toMatchObject({
      status,
      contentType: "application/problem+json",
      body: { type: "about:blank", title, status, instance: path },
    });
  });
});
