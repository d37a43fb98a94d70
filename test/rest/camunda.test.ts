import { randomUUID } from "node:crypto";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, ExecutionRefSchema, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancelledWork, finishedWork, newId, startWork, stopWhenTold } from "../e2e/work.ts";

const KEY = "camunda-test-key-1";

/** Milliseconds: less than any wait for a job that nobody does. */
const SHORT_DEADLINE = { "connect-timeout-ms": "300" };

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
  /** Null without one. */
  readonly body: unknown;
}

async function send(
  method: string,
  path: string,
  body: string | null = null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const type = body === null ? {} : { "content-type": "application/json" };
  const response = await fetch(`${server.url}${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${KEY}`, ...type, ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

const pathOf = (key: string): string => `/v2/process-instances/${key}`;
const cancel = (key: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  send("POST", `${pathOf(key)}/cancellation`, null, headers);
const problem = (status: number, title: string, instance: string) => ({
  type: "about:blank",
  title,
  status,
  detail: expect.any(String),
  instance,
});

/** A process instance that no worker has taken: cancelled at once. */
async function pendingInstance(id = newId(Kind.PROCESS_INSTANCE)): Promise<string> {
  await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id });
  return id;
}

async function untilHappened(execution: ExecutionRef, type: EventType): Promise<void> {
  for await (const { event } of clients.executions.watchExecution({ execution })) if (event?.type === type) return;
  throw new Error(`the execution ended without an event of type ${type}`);
}

async function takeJob(type: string) {
  const { jobs } = await clients.workers.activateListenerJobs({ workerId: "w", types: [type], waitSeconds: 10 });
  return { jobKey: jobs[0]!.key, activation: jobs[0]!.activation };
}

describe("a cancel", () => {
  it.each([
    ["no body", null, {}],
    ["an empty JSON body", "", { "content-type": "application/json" }],
    ["null", "null", {}],
    ["an empty object", "{}", {}],
    ["a number as reference", '{"operationReference":7}', {}],
    ["a text as reference", '{"operationReference":"9223372036854775807"}', {}],
    ["a member that nobody knows", '{"why":"because"}', {}],
  ])("takes %s", async (_name, body, headers) => {
    const key = await pendingInstance();

    const answer = await send("POST", `${pathOf(key)}/cancellation`, body, headers);

    expect(answer).toMatchObject({ status: 204, body: null });
    expect(await send("GET", pathOf(key))).toMatchObject({ body: { state: "TERMINATED" } });
  });

  it("works without the version in its path", async () => {
    const key = await pendingInstance();

    const answer = await send("POST", `/process-instances/${key}/cancellation`);

    expect(answer.status).toBe(204);
    expect(await send("GET", `/process-instances/${key}`)).toMatchObject({ body: { state: "TERMINATED" } });
  });

  it("keeps the reference for the timeline", async () => {
    const key = await pendingInstance();

    await send("POST", `${pathOf(key)}/cancellation`, '{"operationReference":"4711"}');

    const { processInstance } = await clients.executions.getProcessInstance({ processInstanceKey: key });
    const cancellationId = processInstance!.execution!.cancellation!.id;
    const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
    expect(cancellation?.timeline[0]?.attributes).toMatchObject({ operation_reference: "4711" });
  });

  it.each([
    ["0", '{"operationReference":0}'],
    ["a fraction", '{"operationReference":1.5}'],
    ["more than an int64", '{"operationReference":"9223372036854775808"}'],
    ["a list as body", "[]"],
    ["truncated JSON", '{"operationReference":'],
    ["JSON nested too deeply", `{"why":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
  ])("is refused with %s", async (_name, body) => {
    const key = await pendingInstance();
    const path = `${pathOf(key)}/cancellation`;

    const answer = await send("POST", path, body);

    expect(answer).toMatchObject({ status: 400, body: problem(400, "INVALID_ARGUMENT", path) });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await send("GET", pathOf(key))).toMatchObject({ body: { state: "ACTIVE" } });
  });

  it.each(["abc", "12a", "-", "1".repeat(26), `-${"1".repeat(25)}`, "%00", "1%2F2"])(
    "of %s, which is no key, is refused",
    async (key) => {
      const path = `${pathOf(key)}/cancellation`;

      const answer = await cancel(key);

      expect(answer).toMatchObject({ status: 400, body: problem(400, "INVALID_ARGUMENT", path) });
    },
  );

  it("of an instance that was never there, has finished or is cancelled, finds none", async () => {
    const finished = await finishedWork(clients, Kind.PROCESS_INSTANCE);
    const cancelled = await cancelledWork(clients, Kind.PROCESS_INSTANCE);

    for (const key of ["4711", finished.ref.id, cancelled.ref.id]) {
      const path = `${pathOf(key)}/cancellation`;
      expect(await cancel(key)).toMatchObject({ status: 404, body: problem(404, "NOT_FOUND", path) });
    }
  });

  it("waits for the proof of the stop", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);

    const [answer] = await Promise.all([cancel(work.ref.id), stopWhenTold(clients, work)]);

    expect(answer).toMatchObject({ status: 204, body: null });
  });

  it("that is asked for twice at the same time succeeds twice, and is one", async () => {
    const work = await startWork(clients, Kind.PROCESS_INSTANCE);

    const both = Promise.all([cancel(work.ref.id), cancel(work.ref.id)]);
    await untilHappened(work.ref, EventType.CANCELLATION_JOINED);
    await stopWhenTold(clients, work);

    expect((await both).map(({ status }) => status)).toEqual([204, 204]);
    const { cancellations } = await clients.cancellations.listCancellations({ execution: work.ref });
    expect(cancellations).toHaveLength(1);
  });

  it("whose listener nobody serves is answered 504 and goes on; asking again joins it", async () => {
    const type = randomUUID();
    const work = await startWork(clients, Kind.PROCESS_INSTANCE, { listeners: [type] });
    const { id } = work.ref;
    const stopped = stopWhenTold(clients, work);

    const late = await cancel(id, SHORT_DEADLINE);
    const between = await send("GET", pathOf(id));
    const retry = cancel(id);
    await untilHappened(work.ref, EventType.CANCELLATION_JOINED);
    await clients.workers.completeListenerJob(await takeJob(type));

    const path = `${pathOf(id)}/cancellation`;
    expect(late).toMatchObject({ status: 504, body: problem(504, "DEADLINE_EXCEEDED", path) });
    expect(between).toMatchObject({ body: { state: "ACTIVE", endDate: null, hasIncident: false } });
    expect(await retry).toMatchObject({ status: 204 });
    await stopped;
    const { cancellations } = await clients.cancellations.listCancellations({ execution: work.ref });
    expect(cancellations).toHaveLength(1);
  });

  it("whose listener fails until its retries run out shows an incident", async () => {
    const type = randomUUID();
    const key = newId(Kind.PROCESS_INSTANCE);
    await clients.executions.registerExecution({
      kind: Kind.PROCESS_INSTANCE,
      id: key,
      listeners: [{ type, retries: 2 }],
    });
    const late = cancel(key, SHORT_DEADLINE);

    for (const message of ["first", "second"]) {
      await clients.workers.failListenerJob({ ...(await takeJob(type)), message });
    }

    expect(await late).toMatchObject({ status: 504 });
    expect(await send("GET", pathOf(key))).toMatchObject({ body: { state: "ACTIVE", hasIncident: true } });
    const filter = JSON.stringify({ filter: { processInstanceKey: key, hasIncident: true } });
    expect(await send("POST", "/v2/process-instances/search", filter)).toMatchObject({
      body: { items: [{ processInstanceKey: key }] },
    });
  });

  it("of a child is refused and names the root", async () => {
    const root = await pendingInstance();
    const parent = create(ExecutionRefSchema, { kind: Kind.PROCESS_INSTANCE, id: root });
    const child = await startWork(clients, Kind.PROCESS_INSTANCE, { parent });
    const path = `${pathOf(child.ref.id)}/cancellation`;

    const answer = await cancel(child.ref.id);

    expect(answer).toMatchObject({
      status: 409,
      body: { ...problem(409, "INVALID_STATE", path), detail: expect.stringContaining(`'${root}'`) },
    });
    expect(await send("GET", pathOf(child.ref.id))).toMatchObject({
      body: { state: "ACTIVE", parentProcessInstanceKey: root, rootProcessInstanceKey: root },
    });
  });

  it("of a root cancels its children before it", async () => {
    const root = await startWork(clients, Kind.PROCESS_INSTANCE);
    const child = await startWork(clients, Kind.PROCESS_INSTANCE, { parent: root.ref });
    const order: string[] = [];

    const [answer] = await Promise.all([
      cancel(root.ref.id),
      stopWhenTold(clients, root).then(() => order.push("root")),
      stopWhenTold(clients, child).then(() => order.push("child")),
    ]);

    expect(answer).toMatchObject({ status: 204 });
    expect(order).toEqual(["child", "root"]);
    expect(await send("GET", pathOf(child.ref.id))).toMatchObject({ body: { state: "TERMINATED" } });
  });

  it("with an Idempotency-Key is answered the same again", async () => {
    const key = await pendingInstance();
    const headers = { "idempotency-key": '"8e03978e"' };

    const answers = [await cancel(key, headers), await cancel(key, headers), await cancel(key)];

    expect(answers.map(({ status }) => status)).toEqual([204, 204, 404]);
  });
});

describe("an instance", () => {
  it("has sixteen members, null where there is no value", async () => {
    const key = await pendingInstance();

    const answer = await send("GET", pathOf(key));

    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      processDefinitionId: "unknown",
      processDefinitionName: null,
      processDefinitionVersion: 0,
      processDefinitionVersionTag: null,
      startDate: expect.stringMatching(/^\d{4}-.*Z$/),
      endDate: null,
      state: "ACTIVE",
      hasIncident: false,
      tenantId: "<default>",
      processInstanceKey: key,
      processDefinitionKey: "-1",
      parentProcessInstanceKey: null,
      parentElementInstanceKey: null,
      rootProcessInstanceKey: key,
      tags: [],
      businessId: null,
    });
  });

  it("that nobody registered is not found", async () => {
    const answer = await send("GET", pathOf("4711"));

    expect(answer).toMatchObject({ status: 404, body: problem(404, "NOT_FOUND", pathOf("4711")) });
  });

  it("that completed is COMPLETED; one that failed is TERMINATED", async () => {
    const completed = await finishedWork(clients, Kind.PROCESS_INSTANCE);
    const failed = await startWork(clients, Kind.PROCESS_INSTANCE);
    await clients.executions.failExecution({ execution: failed.ref, token: failed.token });

    expect(await send("GET", pathOf(completed.ref.id))).toMatchObject({
      body: { state: "COMPLETED", endDate: expect.any(String) },
    });
    expect(await send("GET", pathOf(failed.ref.id))).toMatchObject({ body: { state: "TERMINATED" } });
  });
});

describe("what is wrong with a request as such", () => {
  it.each([
    ["GET", "/v2/topologies", 404, "NOT_FOUND"],
    ["PUT", "/v2/process-instances/1/cancellation", 405, "METHOD_NOT_ALLOWED"],
  ])("%s %s is answered %i", async (method, path, status, title) => {
    expect(await send(method, path)).toMatchObject({ status, body: problem(status, title, path) });
  });

  it("is a type that is not JSON", async () => {
    const path = "/v2/process-instances/1/cancellation";

    const answer = await send("POST", path, "a=1", { "content-type": "text/plain" });

    expect(answer).toMatchObject({ status: 415, body: problem(415, "UNSUPPORTED_MEDIA_TYPE", path) });
  });

  it("is a body that is too large, which no client takes for backpressure", async () => {
    const path = "/v2/process-instances/1/cancellation";

    const answer = await send("POST", path, JSON.stringify({ why: "x".repeat(5 * 2 ** 20) }));

    expect(answer).toMatchObject({ status: 413, body: problem(413, "CONTENT_TOO_LARGE", path) });
  });
});

describe("credentials", () => {
  const path = "/v2/process-instances/search";
  const basic = (password: string): string => `Basic ${Buffer.from(`demo:${password}`).toString("base64")}`;

  it.each([
    ["none", ""],
    ["an unknown key", "Bearer nobody-knows-this"],
    ["an unknown password", basic("nobody-knows-this")],
  ])("%s are answered 401", async (_name, authorization) => {
    expect(await send("POST", path, "{}", { authorization })).toMatchObject({
      status: 401,
      body: problem(401, "UNAUTHORIZED", path),
    });
  });

  it.each([
    ["a bearer key", `Bearer ${KEY}`],
    ["a key as password", basic(KEY)],
  ])("%s let in", async (_name, authorization) => {
    expect(await send("POST", path, "{}", { authorization })).toMatchObject({ status: 200 });
  });
});

describe("the token endpoint", () => {
  async function ask(form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(`${server.url}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams(form),
      headers,
    });
    const body = (await response.json()) as JsonObject;
    return { status: response.status, headers: response.headers, body };
  }

  it("exchanges a key for a token that lets in", async () => {
    const { status, headers, body } = await ask({
      grant_type: "client_credentials",
      client_id: "demo",
      client_secret: KEY,
      audience: "belay",
    });

    expect(status).toBe(200);
    expect(body).toEqual({ access_token: expect.any(String), token_type: "Bearer", expires_in: expect.any(Number) });
    expect(headers.get("cache-control")).toBe("no-store");
    const answer = await send("POST", "/v2/process-instances/search", "{}", {
      authorization: `Bearer ${body["access_token"]}`,
    });
    expect(answer.status).toBe(200);
  });

  it("takes the key as password of Basic credentials too", async () => {
    const authorization = `Basic ${Buffer.from(`demo:${KEY}`).toString("base64")}`;

    expect(await ask({ grant_type: "client_credentials" }, { authorization })).toMatchObject({ status: 200 });
  });

  it.each([
    [{ client_secret: KEY }, 400, "invalid_request"],
    [{ grant_type: "password", client_secret: KEY }, 400, "unsupported_grant_type"],
    [{ grant_type: "client_credentials", client_secret: "nobody-knows-this" }, 401, "invalid_client"],
    [{ grant_type: "client_credentials" }, 401, "invalid_client"],
  ])("answers %j with %i %s", async (form, status, error) => {
    const answer = await ask(form);

    expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
  });
});
