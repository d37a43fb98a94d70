import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { startCallbackReceiver } from "../rest/callback_receiver.ts";
import { startFakeRedis } from "../rest/fake_redis.ts";
import type { AnyJson } from "../rest/json_call.ts";
import { type GatedServer, startGatedServer } from "./gated_server.ts";
import { cancelProcess, newTenant, type Tenant } from "./tenant.ts";
import { newId } from "./work.ts";

let server: GatedServer;
let redis: Awaited<ReturnType<typeof startFakeRedis>>;
beforeAll(async () => {
  redis = await startFakeRedis();
  server = await startGatedServer("--redis-url", `redis://127.0.0.1:${redis.port}`);
});
afterAll(async () => {
  await server.close();
  await redis.stop();
});

/** Two tenants that have nothing yet. */
let acme: Tenant;
let globex: Tenant;
beforeEach(async () => {
  [acme, globex] = [await newTenant(server, "acme"), await newTenant(server, "globex")];
});

/** Registers the same process for a tenant, run by the same worker. */
async function startSame({ clients }: Tenant, id: string): Promise<bigint> {
  const { lease } = await clients.executions.registerExecution({
    kind: Kind.PROCESS,
    id,
    claim: { workerId: "the-worker", leaseSeconds: 600 },
  });
  return lease!.token;
}

describe("the same id in two tenants", () => {
  it("is two executions: one is cancelled, the other runs on", async () => {
    await startSame(acme, "the-same");
    await startSame(globex, "the-same");

    await cancelProcess(acme, "the-same");

    const states = await Promise.all(
      [acme, globex].map(async ({ clients }) => {
        const { process } = await clients.executions.getProcess({ processId: "the-same" });
        return process?.execution?.state;
      }),
    );
    expect(states).toEqual([ExecutionState.CANCELLED, ExecutionState.RUNNING]);
  });

  it("is two commands: the same command id is decided in each", async () => {
    const commandId = randomUUID();
    for (const tenant of [acme, globex]) await startSame(tenant, "the-same");

    const answers = [
      await cancelProcess(acme, "the-same", commandId),
      await cancelProcess(globex, "the-same", commandId),
    ];

    const [first, second] = answers.map(({ cancellation }) => cancellation?.id);
    expect(first).not.toBe(second);
    expect((await cancelProcess(globex, "the-same", commandId)).cancellation?.id).toBe(second);
  });

  it("is two streams of orders for workers of the same name, and two leases with the same token", async () => {
    const tokens = [await startSame(acme, "the-same"), await startSame(globex, "the-same")];
    const leaving = new AbortController();
    const attached = globex.clients.workers.attach({ workerId: "the-worker" }, { signal: leaving.signal });
    const orders = attached[Symbol.asyncIterator]();
    await orders.next();

    await cancelProcess(acme, "the-same");
    await globex.clients.executions.registerExecution({
      kind: Kind.PROCESS,
      id: "another",
      claim: { workerId: "the-worker" },
    });
    await cancelProcess(globex, "another");
    const { value: order } = await orders.next();
    const execution = { kind: Kind.PROCESS, id: "the-same" };
    const [told, leftAlone] = await Promise.all(
      [acme, globex].map(({ clients }, index) =>
        clients.workers.heartbeat({ workerId: "the-worker", leases: [{ execution, token: tokens[index]! }] }),
      ),
    );
    leaving.abort();

    // The first order that comes is its own.
    expect(order?.message).toMatchObject({ case: "stopOrder", value: { execution: { id: "another" } } });
    expect([told, leftAlone].map((answer) => answer?.leases[0]?.signal)).toEqual([
      StopSignal.STOP,
      StopSignal.UNSPECIFIED,
    ]);
  });

  it("is two processes with callbacks: each goes where its own tenant wants it", async () => {
    const receivers = { acme: await startCallbackReceiver(), globex: await startCallbackReceiver() };
    for (const [{ clients }, { url }] of [
      [acme, receivers.acme],
      [globex, receivers.globex],
    ] as const) {
      await clients.executions.registerExecution({
        kind: Kind.PROCESS,
        id: "the-same",
        detail: { case: "process", value: { processType: "t", requestedBy: { system: "s" }, callback: { url } } },
      });
    }

    await cancelProcess(acme, "the-same");
    const callback = await receivers.acme.next();

    expect(JSON.parse(callback.body)).toMatchObject({ process: { process_id: "the-same" } });
    expect(receivers.globex.unseen()).toBe(0);
    await Promise.all(Object.values(receivers).map((receiver) => receiver.close()));
  });

  it("is two flags in Redis, each with the name of its tenant", async () => {
    for (const { clients } of [acme, globex]) {
      await clients.executions.registerExecution({ kind: Kind.WORKFLOW_RUN, id: "the-same" });
      await clients.cancellations.cancelWorkflowRun({ runId: "the-same" });
    }

    const own = [acme, globex].map(({ name }) => `belay:cancelled:${name}:workflow_run:the-same`);
    const raised = redis.commands.filter(([command]) => command === "SET").map(([, flag = ""]) => flag);
    const published = redis.commands
      .filter(([command]) => command === "PUBLISH")
      .map(([, , message = "{}"]): AnyJson => JSON.parse(message))
      .map(({ key, tenant }: AnyJson) => [key, tenant]);

    expect(raised).toEqual(own);
    expect(published).toEqual([acme, globex].map(({ name }, index) => [own[index], name]));
  });
});

describe("a parent of another tenant", () => {
  it("is none", async () => {
    await startSame(acme, "the-parent");
    const child = (id: string) =>
      globex.clients.executions.registerExecution({ kind: Kind.PROCESS, parent: { kind: Kind.PROCESS, id } });

    const [foreign, unknown] = await Promise.allSettled([child("the-parent"), child("nobody-has")]);

    expect(foreign).toMatchObject({ status: "rejected", reason: { code: Code.NotFound } });
    const saidOf = ({ reason }: PromiseRejectedResult, id: string) => reason.rawMessage.replaceAll(id, "…");
    expect(saidOf(foreign as PromiseRejectedResult, "the-parent")).toBe(
      saidOf(unknown as PromiseRejectedResult, "nobody-has"),
    );
  });

  it("selects no children in a list", async () => {
    await startSame(acme, "the-parent");
    const parent = { kind: Kind.PROCESS, id: "the-parent" };
    await acme.clients.executions.registerExecution({ kind: Kind.PROCESS, parent });

    const listed = await Promise.all(
      [acme, globex].map(({ clients }) => clients.executions.listProcesses({ filter: { parent } })),
    );

    expect(listed.map(({ processes }) => processes.length)).toEqual([1, 0]);
  });
});

describe("the jobs of listeners", () => {
  it("are offered to the workers of their own tenant alone, also to those who wait", async () => {
    const types = ["tidy-up"];
    const leaving = new AbortController();
    const waiting = globex.clients.workers.activateListenerJobs(
      { workerId: "w", types, waitSeconds: 60 },
      { signal: leaving.signal },
    );
    const { execution } = await acme.clients.executions.registerExecution({
      kind: Kind.PROCESS,
      listeners: [{ type: "tidy-up" }],
    });

    await cancelProcess(acme, execution!.ref!.id);
    const { jobs } = await acme.clients.workers.activateListenerJobs({ workerId: "w", types, waitSeconds: 10 });
    await globex.clients.executions.registerExecution({
      kind: Kind.PROCESS,
      id: "own",
      listeners: [{ type: "tidy-up" }],
    });
    await cancelProcess(globex, "own");
    const { jobs: own } = await waiting;

    expect(jobs.map((job) => job.execution?.id)).toEqual([execution?.ref?.id]);
    // It was woken by its own, and by no other.
    expect(own.map((job) => job.execution?.id)).toEqual(["own"]);
  });
});

describe("a batch operation", () => {
  it("cancels nothing of another tenant, whatever its filter selects", async () => {
    const instances = await Promise.all(
      [acme, globex].map(async ({ clients }) => {
        const id = newId(Kind.PROCESS_INSTANCE);
        const value = { processDefinitionId: "the-same" };
        await clients.executions.registerExecution({
          kind: Kind.PROCESS_INSTANCE,
          id,
          detail: { case: "processInstance", value },
        });
        return id;
      }),
    );
    const [theirs = "", own = ""] = instances;

    const filter = { processDefinitionId: "the-same" };
    const { body: made } = await globex.rest("POST", "/v2/process-instances/cancellation", { filter });
    const byKey = await globex.rest("POST", "/v2/process-instances/cancellation", {
      filter: { processInstanceKey: theirs },
    });
    const ofTenant = await globex.rest("POST", "/v2/process-instances/cancellation", {
      filter: { tenantId: acme.name },
    });
    const stateOf = async (tenant: Tenant, id: string): Promise<string> =>
      (await tenant.rest("GET", `/v2/process-instances/${id}`)).body.state;
    await expect.poll(() => stateOf(globex, own)).toBe("TERMINATED");
    const show = async ({ body }: { body: AnyJson }): Promise<number> =>
      (await globex.rest("GET", `/v2/batch-operations/${body.batchOperationKey}`)).body.operationsTotalCount;

    expect(await stateOf(acme, theirs)).toBe("ACTIVE");
    expect([await show({ body: made }), await show(byKey), await show(ofTenant)]).toEqual([1, 0, 0]);
    const items = "/v2/batch-operation-items/search";
    expect(
      (await acme.rest("POST", items, { filter: { batchOperationKey: made.batchOperationKey } })).body.items,
    ).toEqual([]);
  });
});
