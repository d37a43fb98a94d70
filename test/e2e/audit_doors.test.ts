import { randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type AccessPoint, type Headers, whenServed } from "./access_points.ts";
import { wholeLog } from "./audit_trail.ts";
import { type Belongings, nothingOf } from "./belongings.ts";
import { DIALECT_ACCESS } from "./dialect_access.ts";
import { type GatedServer, type MadeKey, startGatedServer } from "./gated_server.ts";
import { newAddress } from "./loopback.ts";
import { CONNECT_ACCESS, GRPC_ACCESS } from "./rpc_access.ts";
import { newId, WORKFLOW_ID } from "./work.ts";

/** Every door through which one execution can be cancelled. */
const DOORS = [...GRPC_ACCESS, ...CONNECT_ACCESS, ...DIALECT_ACCESS].flatMap((access) => {
  const cancelled = cancelledAt(access.name);
  return cancelled === null ? [] : [{ ...access, access, ...cancelled }];
});

interface Cancelled {
  /** The name of the RPC behind the door. */
  readonly action: string;
  readonly kind: Kind;
  readonly thing: keyof Belongings;
}

function cancelledAt(name: string): Cancelled | null {
  if (/CancelProcessInstance$|:key\/cancellation$/.test(name) && !name.includes("batch")) {
    return { action: "CancelProcessInstance", kind: Kind.PROCESS_INSTANCE, thing: "processInstance" };
  }
  if (/CancelProcess$|:process_id\/cancel$/.test(name)) {
    return { action: "CancelProcess", kind: Kind.PROCESS, thing: "process" };
  }
  if (/CancelWorkflowInstance$|:instance_id\/cancel$/.test(name)) {
    return { action: "CancelWorkflowInstance", kind: Kind.WORKFLOW_INSTANCE, thing: "workflowInstance" };
  }
  if (/CancelAssessmentWorkflow$|cancel-workflow$/.test(name)) {
    return { action: "CancelAssessmentWorkflow", kind: Kind.ASSESSMENT, thing: "assessment" };
  }
  if (/CancelWorkflowRun$|:run_id\/cancel$/.test(name)) {
    return { action: "CancelWorkflowRun", kind: Kind.WORKFLOW_RUN, thing: "workflowRun" };
  }
  return null;
}

let server: GatedServer;
let owner: MadeKey;
let reader: MadeKey;
let stranger: MadeKey;
beforeAll(async () => {
  server = await startGatedServer();
  owner = await server.createKey("acme", ["admin"], { description: "the night shift" });
  reader = await server.createKey("acme", ["executions:read"]);
  stranger = await server.createKey("globex", ["cancel:*"]);
});
afterAll(() => server.close());

interface Case {
  readonly name: string;
  /** In the log. */
  readonly outcome: string;
  /** Whose log it is in; and who asked, if it is known. */
  readonly tenant: "acme" | "globex" | "default";
  readonly principal: () => MadeKey | null;
  readonly begin: (kind: Kind) => Promise<{ readonly id: string; readonly headers?: Headers }>;
  /** Left out: the owner's. */
  readonly secret?: () => string;
}

const mine: Pick<Case, "tenant" | "principal"> = { tenant: "acme", principal: () => owner };

const CASES: readonly Case[] = [
  { name: "that is carried out", outcome: "applied", ...mine, begin: async (kind) => ({ id: await register(kind) }) },
  {
    name: "of what was cancelled before",
    outcome: "already_cancelled",
    ...mine,
    begin: async (kind) => {
      const id = await register(kind);
      await cancelBefore(id);
      return { id };
    },
  },
  {
    name: "of what has finished",
    outcome: "already_finished",
    ...mine,
    begin: async (kind) => {
      const id = await register(kind);
      await server.as(owner).executions.completeExecution({ execution: { kind, id } });
      return { id };
    },
  },
  {
    name: "that repeats a command",
    outcome: "replayed",
    ...mine,
    begin: async (kind) => {
      const id = await register(kind);
      const headers = { "idempotency-key": randomUUID() };
      await cancelBefore(id, headers);
      return { id, headers };
    },
  },
  {
    name: "of what is not known",
    outcome: "EXECUTION_NOT_FOUND",
    ...mine,
    begin: async (kind) => ({ id: newId(kind) }),
  },
  {
    name: "of another tenant's work",
    outcome: "EXECUTION_NOT_FOUND",
    tenant: "globex",
    principal: () => stranger,
    begin: async (kind) => ({ id: await register(kind) }),
    secret: () => stranger.secret,
  },
  {
    name: "without the scope",
    outcome: "PERMISSION_DENIED",
    tenant: "acme",
    principal: () => reader,
    begin: async (kind) => ({ id: await register(kind) }),
    secret: () => reader.secret,
  },
  {
    name: "with a key that nobody has",
    outcome: "UNAUTHENTICATED",
    tenant: "default",
    principal: () => null,
    begin: async (kind) => ({ id: await register(kind) }),
    secret: () => "nobody-has-this-key",
  },
];

/** Registers work that nobody runs: its cancel ends at once. */
async function register(kind: Kind): Promise<string> {
  const id = newId(kind);
  const isInstance = kind === Kind.WORKFLOW_INSTANCE;
  await server.as(owner).executions.registerExecution({
    kind,
    id,
    detail: isInstance ? { case: "workflowInstance", value: { workflowId: WORKFLOW_ID } } : { case: undefined },
  });
  return id;
}

/** The door under test. */
let door: (typeof DOORS)[number];

async function cancelBefore(id: string, headers: Headers = {}): Promise<void> {
  await callAt(door, id, { ...door.styles[0]!(owner.secret), ...headers }, newAddress());
}

function callAt({ access, thing }: (typeof DOORS)[number], id: string, headers: Headers, from: string) {
  const things = { ...nothingOf(), [thing]: id };
  return whenServed(() => access.call(server.url, things, headers, from));
}

async function eventsOf(tenant: string, requestId: string): Promise<AuditEvent[]> {
  const log = await wholeLog(server.operator, tenant);
  return log.filter((event) => event.requestId === requestId);
}

describe.each(DOORS)("a cancel by $name", (each) => {
  beforeAll(() => {
    door = each;
  });

  it.each(CASES)("$name is in the log once: $outcome", async ({ outcome, tenant, principal, begin, secret }) => {
    const { action, kind, styles } = each;
    const { id, headers = {} } = await begin(kind);
    const [requestId, from, before] = [randomUUID(), newAddress(), Date.now()];
    const shown = { ...styles[0]!(secret?.() ?? owner.secret), "x-request-id": requestId, ...headers };

    await callAt(each, id, shown, from);
    const events = await eventsOf(tenant, requestId);

    const who = principal();
    expect(events).toMatchObject([
      {
        action,
        outcome,
        execution: { kind, id },
        address: from,
        principal: who === null ? "" : `key:${who.id}`,
        ...(who === owner && { name: "the night shift" }),
        message: /^[a-z]/.test(outcome) ? "" : expect.stringMatching(/\w/),
        count: 1n,
      },
    ]);
    expect(timestampMs(events[0]!.time!)).toBeGreaterThanOrEqual(before - 1);
    expect(timestampMs(events[0]!.time!)).toBeLessThanOrEqual(Date.now());
  });

  it("says why, where the door lets a caller say so, and has its cancellation", async () => {
    const { kind, styles } = each;
    const id = await register(kind);
    const requestId = randomUUID();

    await callAt(each, id, { ...styles[0]!(owner.secret), "x-request-id": requestId }, newAddress());

    const [event] = await eventsOf("acme", requestId);
    const { cancellation } = await server.as(owner).cancellations.getCancellation({
      cancellationId: event!.cancellationId,
    });
    expect(cancellation).toMatchObject({ execution: { kind, id }, reason: event!.reason });
  });
});

describe("all doors", () => {
  it("write down soon what is over the limit of its key", async () => {
    const expected = await Promise.all(
      DOORS.map(async (each) => {
        const { action, kind, styles } = each;
        const limited = await server.createKey("acme", ["admin"], { rateLimit: { calls: 1, periodSeconds: 3_600 } });
        const [requestId, id, from] = [String(randomUUID()), newId(kind), newAddress()];
        const shown = styles[0]!(limited.secret);
        await callAt(each, id, shown, from);
        const { said } = await callAt(each, id, { ...shown, "x-request-id": requestId }, from);
        expect(said).toContain("over the limit of this key, 1 calls in 3600 s");
        return { requestId, action, execution: { kind, id }, outcome: "RATE_LIMITED", principal: `key:${limited.id}` };
      }),
    );

    const ids = expected.map(({ requestId }) => requestId);
    const found = async () =>
      (await wholeLog(server.operator, "acme")).filter((event) => ids.includes(event.requestId));
    await expect.poll(async () => (await found()).length, { timeout: 5_000 }).toBe(DOORS.length);
    const inOrder = (await found()).toSorted((a, b) => ids.indexOf(a.requestId) - ids.indexOf(b.requestId));
    expect(inOrder).toMatchObject(expected);
  });

  it("are these", () => {
    const doors = DOORS.map(({ name }: AccessPoint) => name.replace(/^(gRPC|Connect) .*\//, "$1 "));

    expect(doors).toEqual([
      "gRPC CancelProcessInstance",
      "gRPC CancelProcess",
      "gRPC CancelWorkflowInstance",
      "gRPC CancelAssessmentWorkflow",
      "gRPC CancelWorkflowRun",
      "gRPC CancelProcessInstance",
      "Connect CancelProcessInstance",
      "Connect CancelProcess",
      "Connect CancelWorkflowInstance",
      "Connect CancelAssessmentWorkflow",
      "Connect CancelWorkflowRun",
      "Connect CancelProcessInstance",
      "Camunda 8 POST /v2/process-instances/:key/cancellation",
      "Camunda 8 POST /process-instances/:key/cancellation",
      "PhoneFarm POST /processes/:process_id/cancel",
      "Datadog PUT /api/v2/workflows/:workflow_id/instances/:instance_id/cancel",
      "Maxsight POST /v5/assessments/:assessment_id/cancel-workflow",
      "Maxsight POST /assessments/:assessment_id/cancel-workflow",
      "Retab POST /v1/workflows/runs/:run_id/cancel",
    ]);
  });
});
