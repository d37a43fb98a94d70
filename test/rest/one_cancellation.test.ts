import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancel, startWork, stopWhenTold, WORKFLOW_ID } from "../e2e/work.ts";

let server: TestServer;
let clients: Clients;

beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});

afterAll(() => server.close());

const JSON_BODY = { "content-type": "application/json" };
const SEED = { reason: "operator requested stop", requested_by: { system: "ugc-tracker" } };

/** The cancel of each dialect, as its clients send it. */
const DIALECTS = [
  {
    dialect: "Camunda",
    kind: Kind.PROCESS_INSTANCE,
    request: (id: string) => ({ path: `/v2/process-instances/${id}/cancellation`, init: { method: "POST" } }),
  },
  {
    dialect: "PhoneFarm",
    kind: Kind.PROCESS,
    request: (id: string) => ({
      path: `/processes/${id}/cancel`,
      init: { method: "POST", headers: JSON_BODY, body: JSON.stringify(SEED) },
    }),
  },
  {
    dialect: "Datadog",
    kind: Kind.WORKFLOW_INSTANCE,
    request: (id: string) => ({
      path: `/api/v2/workflows/${WORKFLOW_ID}/instances/${id}/cancel`,
      init: { method: "PUT" },
    }),
  },
  {
    dialect: "Maxsight",
    kind: Kind.ASSESSMENT,
    request: (id: string) => ({ path: `/v5/assessments/${id}/cancel-workflow`, init: { method: "POST" } }),
  },
  {
    dialect: "Retab",
    kind: Kind.WORKFLOW_RUN,
    request: (id: string) => ({ path: `/v1/workflows/runs/${id}/cancel`, init: { method: "POST" } }),
  },
];

describe.each(DIALECTS)("an execution that is cancelled through $dialect and through gRPC", ({ kind, request }) => {
  async function cancelByDialect(id: string): Promise<number> {
    const { path, init } = request(id);
    const response = await fetch(`${server.url}${path}`, init);
    await response.body?.cancel();
    return response.status;
  }

  async function cancellationsOf(id: string) {
    return (await clients.cancellations.listCancellations({ execution: { kind, id } })).cancellations;
  }

  it("shows one cancellation, the dialect's first", async () => {
    const work = await startWork(clients, kind);
    const stopped = stopWhenTold(clients, work);

    const status = await cancelByDialect(work.ref.id);

    await stopped;
    expect([200, 204]).toContain(status);
    const [cancellation, ...others] = await cancellationsOf(work.ref.id);
    expect(others).toEqual([]);
    expect(cancellation?.execution).toMatchObject({ kind, id: work.ref.id });
  });

  it("shows one cancellation, gRPC's first: the dialect joins it", async () => {
    const work = await startWork(clients, kind);
    const first = cancel(clients, work.ref, Strategy.SOFT_THEN_FORCE);

    const [status] = await Promise.all([cancelByDialect(work.ref.id), stopWhenTold(clients, work)]);

    const { id } = await first;
    expect([200, 204, 400, 404]).toContain(status);
    expect((await cancellationsOf(work.ref.id)).map((cancellation) => cancellation.id)).toEqual([id]);
  });
});
