import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { faultsOf } from "../store/audit_verifier.ts";
import { linkOf, wholeLog } from "./audit_trail.ts";
import { grpcDoor } from "./doors.ts";
import { type GatedServer, startGatedServer } from "./gated_server.ts";
import { newTenant, type Tenant } from "./tenant.ts";
import { newId, startWork, type Work } from "./work.ts";

let server: GatedServer;
beforeAll(async () => {
  server = await startGatedServer();
});
afterAll(() => server.close());

interface CancelOptions {
  readonly reason?: string;
  readonly strategy?: Strategy;
  readonly commandId?: string;
}

/** How the cancel was answered; a refusal is an answer too. */
function cancel({ clients }: Tenant, processId: string, more: CancelOptions = {}): Promise<unknown> {
  const request = { processId, reason: "wrong input", requestedBy: { system: "ci", user: "ann" }, ...more };
  return clients.cancellations.cancelProcess(request).catch((error: unknown) => error);
}

/** What the log has of cancels, in its order. */
async function outcomesOf(tenant: Tenant): Promise<string[]> {
  const log = await wholeLog(tenant.clients);
  return log.filter(({ action }) => action === "CancelProcess").map(({ outcome }) => outcome);
}

describe("the log of cancels that were decided", () => {
  it("tells whether one began a cancellation, joined it, made it stronger, or changed nothing", async () => {
    const tenant = await newTenant(server, "acme");
    const { ref } = await startWork(tenant.clients, Kind.PROCESS, { lease: 600 });

    const strategy = { force: Strategy.SOFT_THEN_FORCE, hard: Strategy.HARD };
    for (const each of [strategy.force, strategy.force, strategy.hard, strategy.force]) {
      await cancel(tenant, ref.id, { strategy: each });
    }

    const log = await wholeLog(tenant.clients);
    const cancels = log.filter(({ action }) => action === "CancelProcess");
    expect(cancels.map(({ outcome }) => outcome)).toEqual(["applied", "joined", "escalated", "joined"]);
    expect(new Set(cancels.map(({ cancellationId }) => cancellationId)).size).toBe(1);
    expect(cancels[0]).toMatchObject({
      reason: "wrong input",
      requestedBy: '{"metadata":{},"system":"ci","user":"ann"}',
      message: "",
    });
  });

  it("has the refusals of the core too, in its words", async () => {
    const tenant = await newTenant(server, "acme");
    const { executions, cancellations } = tenant.clients;
    const root = { kind: Kind.PROCESS_INSTANCE, id: newId(Kind.PROCESS_INSTANCE) };
    const child = { kind: Kind.PROCESS_INSTANCE, id: newId(Kind.PROCESS_INSTANCE) };
    await executions.registerExecution(root);
    await executions.registerExecution({ ...child, parent: root });
    const { ref } = await startWork(tenant.clients, Kind.PROCESS);
    const commandId = randomUUID();

    const ofChild = cancellations.cancelProcessInstance({ processInstanceKey: child.id });
    await expect(ofChild).rejects.toMatchObject({ code: Code.FailedPrecondition });
    await cancel(tenant, ref.id, { commandId });
    await cancel(tenant, ref.id, { commandId, reason: "another" });
    await cancel(tenant, ref.id, { reason: "" });
    await cancellations.cancelWorkflowInstance({ workflowId: "w", instanceId: "none" }).catch(() => {});

    const log = await wholeLog(tenant.clients);
    expect(log.slice(1).map(({ action, outcome }) => [action, outcome])).toEqual([
      ["CancelProcessInstance", "NOT_A_ROOT"],
      ["CancelProcess", "applied"],
      ["CancelProcess", "IDEMPOTENCY_KEY_REUSED"],
      ["CancelProcess", "INVALID_REQUEST"],
      ["CancelWorkflowInstance", "EXECUTION_NOT_FOUND"],
    ]);
    expect(log[1]).toMatchObject({ execution: child, message: expect.stringContaining(root.id) });
  });

  it("has one that goes on after its deadline once, as what was decided", async () => {
    const tenant = await newTenant(server, "acme");
    const { ref } = await startWork(tenant.clients, Kind.PROCESS_INSTANCE, { lease: 600 });

    const late = tenant.clients.cancellations.cancelProcessInstance({ processInstanceKey: ref.id }, { timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({ code: Code.DeadlineExceeded });

    const log = await wholeLog(tenant.clients);
    expect(log.slice(1).map(({ outcome }) => outcome)).toEqual(["applied"]);
  });

  it("has one whose caller did not wait for its answer once, with what was decided", async () => {
    const tenant = await newTenant(server, "acme");
    const work = await Promise.all(Array.from({ length: 40 }, () => startWork(tenant.clients, Kind.PROCESS)));
    const door = grpcDoor(server.url);
    onTestFinished(() => door.close());
    const headers = { authorization: `Bearer ${tenant.key.secret}` };
    const request = { reason: "wrong input", requestedBy: { system: "ci" } };

    await Promise.all(
      work.map(({ ref }, index) =>
        door.call("CancelProcess", { ...request, processId: ref.id }, { headers, timeout: 1 + (index % 4) }),
      ),
    );

    const isDecided = async ({ ref }: Work): Promise<boolean> => {
      const { process } = await tenant.clients.executions.getProcess({ processId: ref.id });
      return process?.execution?.cancellation !== undefined;
    };
    const log = await wholeLog(tenant.clients);
    for (const each of work) {
      const outcomes = log.filter(({ execution }) => execution?.id === each.ref.id).map(({ outcome }) => outcome);
      // What never came so far as to be decided was refused.
      expect(outcomes).toEqual([(await isDecided(each)) ? "applied" : "DEADLINE_EXCEEDED"]);
    }
  });

  it("has each of the same cancels that came at the same time", async () => {
    const tenant = await newTenant(server, "acme");
    const { ref } = await startWork(tenant.clients, Kind.PROCESS, { lease: 600 });

    await Promise.all(Array.from({ length: 50 }, () => cancel(tenant, ref.id, { strategy: Strategy.HARD })));

    const outcomes = await outcomesOf(tenant);
    expect(outcomes.toSorted()).toEqual(["applied", ...Array(49).fill("joined")]);
  });

  it("has names and reasons of any characters, and its chain fits", async () => {
    const tenant = await newTenant(server, "acme");
    const { ref } = await startWork(tenant.clients, Kind.PROCESS, { lease: 600 });
    const body = (reason: string, user: string): string =>
      JSON.stringify({ processId: ref.id, reason, requestedBy: { system: "s", user } });
    // Controls and quotes, as JSON names them; and a character that a cut at 4096 would halve.
    const said = ['\\" \\\\ \\u0001 \\u2028 \u{1f9d7}', `${"x".repeat(4095)}\u{1f9d7}`];

    for (const reason of said) {
      for (const processId of [ref.id, "not-known"]) {
        await fetch(`${server.url}/belay.v1.CancellationService/CancelProcess`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${tenant.key.secret}` },
          body: body("REASON", "USER")
            .replace("REASON", reason)
            .replace("USER", reason.slice(0, 20))
            .replace(ref.id, processId),
        });
      }
    }

    const log = await wholeLog(tenant.clients);
    expect(log).toHaveLength(1 + 2 * said.length);
    expect(faultsOf(log.map(linkOf))).toEqual([]);
  });
});

describe("the log of a burst of refusals", () => {
  it("counts every one of them", async () => {
    const tenant = await newTenant(server, "acme");
    const reader = server.as(await server.createKey(tenant.name, ["executions:read"]));
    const calls = Array.from({ length: 200 }, (_, index) =>
      cancel({ ...tenant, clients: reader }, index % 2 === 0 ? "the-same" : `p-${index % 10}`),
    );

    await Promise.all(calls);

    const log = await wholeLog(tenant.clients);
    const refused = log.filter(({ outcome }) => outcome === "PERMISSION_DENIED");
    expect(refused.reduce((sum, { count }) => sum + Number(count), 0)).toBe(200);
    expect(new Set(refused.map(({ execution }) => execution?.id)).size).toBe(6);
    expect(faultsOf(log.map(linkOf))).toEqual([]);
  });

  it("counts those too that nobody waited for", async () => {
    const tenant = await newTenant(server, "acme");
    const limited = await server.createKey(tenant.name, ["admin"], { rateLimit: { calls: 5, periodSeconds: 3_600 } });

    await Promise.all(Array.from({ length: 100 }, () => cancel({ ...tenant, clients: server.as(limited) }, "p-1")));

    const counted = async (): Promise<number> => {
      const refused = (await wholeLog(tenant.clients)).filter(({ outcome }) => outcome === "RATE_LIMITED");
      return refused.reduce((sum, { count }) => sum + Number(count), 0);
    };
    await expect.poll(counted, { timeout: 5_000 }).toBe(95);
  });
});

describe("the log of batch operations", () => {
  it("has each with its filter, each of its items once, and what steered it", async () => {
    const tenant = await newTenant(server, "acme");
    const ids = Array.from({ length: 5 }, () => newId(Kind.PROCESS_INSTANCE));
    const detail = { case: "processInstance", value: { processDefinitionId: "order" } } as const;
    for (const id of ids)
      await tenant.clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id, detail });
    const batches = "/v2/process-instances/cancellation";

    await tenant.rest("POST", batches, {});
    const { body } = await tenant.rest("POST", batches, { filter: { processDefinitionId: "order" } });
    const key: string = body.batchOperationKey;
    const show = async () => (await tenant.rest("GET", `/v2/batch-operations/${key}`)).body.state;
    await expect.poll(show).toBe("COMPLETED");
    await tenant.rest("POST", `/v2/batch-operations/${key}/suspension`);

    const log = (await wholeLog(tenant.clients)).slice(1);
    const principal = `key:${tenant.key.id}`;
    expect(log.map(({ action, outcome, execution }) => [action, outcome, execution?.id ?? ""])).toEqual([
      ["CreateBatchOperation", "INVALID_REQUEST", ""],
      ["CreateBatchOperation", "applied", ""],
      ...ids.map((id) => ["CancelProcessInstance", "applied", id]),
      ["SuspendBatchOperation", "BATCH_OPERATION_NOT_FOUND", ""],
    ]);
    expect(log.every((event) => event.principal === principal)).toBe(true);
    expect(log[1]?.reason).toContain(`batch operation ${key}: `);
    expect(log[1]?.reason).toContain("order");
    for (const item of log.slice(2, 2 + ids.length)) {
      expect(item).toMatchObject({ name: `batch operation ${key}`, reason: `batch operation ${key}` });
    }
    expect(faultsOf(log.map(linkOf)).filter((fault) => fault.includes("not what was hashed"))).toEqual([]);
  });

  it("has suspension, resumption and cancellation", async () => {
    const tenant = await newTenant(server, "acme");
    const { ref } = await startWork(tenant.clients, Kind.PROCESS_INSTANCE, { lease: 600 });
    const filter = { processInstanceKey: ref.id };
    const { body } = await tenant.rest("POST", "/v2/process-instances/cancellation", { filter });

    for (const verb of ["suspension", "suspension", "resumption", "resumption", "cancellation", "cancellation"]) {
      await tenant.rest("POST", `/v2/batch-operations/${body.batchOperationKey}/${verb}`);
    }

    const log = await wholeLog(tenant.clients);
    const steered = log.filter(({ action }) => /(Suspend|Resume|Cancel)BatchOperation/.test(action));
    expect(steered.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["SuspendBatchOperation", "applied"],
      ["SuspendBatchOperation", "BATCH_OPERATION_NOT_ACTIVE"],
      ["ResumeBatchOperation", "applied"],
      ["ResumeBatchOperation", "BATCH_OPERATION_NOT_SUSPENDED"],
      ["CancelBatchOperation", "applied"],
      ["CancelBatchOperation", "BATCH_OPERATION_NOT_FOUND"],
    ]);
  });
});

describe("the log of keys", () => {
  it("has who made and revoked which, and who was not let", async () => {
    const tenant = await newTenant(server, "acme");
    const { keys } = tenant.clients;
    const { key } = await keys.createKey({ description: "made", scopes: ["worker", "executions:read"] });

    await keys.createKey({ description: "wrong", scopes: ["everything"] }).catch(() => {});
    await keys.createKey({ description: "foreign", tenant: "another", scopes: ["worker"] }).catch(() => {});
    await keys.revokeKey({ keyId: key!.keyId });
    await keys.revokeKey({ keyId: "unknown" }).catch(() => {});

    const log = (await wholeLog(tenant.clients)).slice(1);
    expect(log.map(({ action, outcome, reason }) => [action, outcome, reason])).toEqual([
      ["CreateKey", "applied", `key ${key!.keyId}: worker, executions:read`],
      ["CreateKey", "INVALID_REQUEST", "everything"],
      ["CreateKey", "PERMISSION_DENIED", "worker"],
      ["RevokeKey", "applied", `key ${key!.keyId}`],
      ["RevokeKey", "KEY_NOT_FOUND", "key unknown"],
    ]);
  });
});

describe("a server that is killed", () => {
  it("has every cancel in its log that it answered, accepted or refused, and the chain fits", async () => {
    const tenant = await newTenant(server, "acme");
    const work = await Promise.all(
      Array.from({ length: 60 }, () => startWork(tenant.clients, Kind.PROCESS, { lease: 600 })),
    );

    const answered = new Map<string, string>();
    let killed: Promise<void> | undefined;
    await Promise.all(
      work.flatMap(({ ref }, index) => {
        const known = cancel(tenant, ref.id).then((answer) => [ref.id, answer, "applied"] as const);
        const unknown = cancel(tenant, `none-${index}`).then(
          (answer) => [`none-${index}`, answer, "EXECUTION_NOT_FOUND"] as const,
        );
        return [known, unknown].map(async (call) => {
          const [id, answer, outcome] = await call;
          const wasCut = answer instanceof Error && !answer.message.includes("not_found");
          if (!wasCut) answered.set(id, outcome);
          if (answered.size > 10) killed ??= server.kill();
        });
      }),
    );
    await killed;
    await server.restart();

    const log = await wholeLog(server.operator, tenant.name);
    const cancels = log.filter(({ action }) => action === "CancelProcess");
    for (const [id, outcome] of answered) {
      expect(cancels.filter(({ execution }) => execution?.id === id).map((event) => event.outcome)).toEqual([outcome]);
    }
    expect(answered.size).toBeGreaterThan(10);
    expect(faultsOf(log.map(linkOf))).toEqual([]);
    // It goes on where it ended.
    await cancel(tenant, "after");
    expect(faultsOf((await wholeLog(server.operator, tenant.name)).map(linkOf))).toEqual([]);
  });
});
