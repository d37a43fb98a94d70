import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { type AccessPoint, nameOf, type Outcome, RPCS, whenServed } from "./access_points.ts";
import { anonymized, type Belongings, furnish, nothingOf } from "./belongings.ts";
import { DIALECT_ACCESS } from "./dialect_access.ts";
import { type GatedServer, type MadeKey, startGatedServer } from "./gated_server.ts";
import { newAddress } from "./loopback.ts";
import { CONNECT_ACCESS, GRPC_ACCESS, GRPC_WEB_ACCESS } from "./rpc_access.ts";
import { toStrangers } from "./rpc_requests.ts";

let server: GatedServer;
let owner: MadeKey;
let stranger: MadeKey;
/** Of a third tenant, who asks for nothing by its id. */
let bystander: MadeKey;
let things: Belongings;

beforeAll(async () => {
  server = await startGatedServer();
  owner = await server.createKey("acme", ["admin"]);
  stranger = await server.createKey("globex", ["admin"]);
  bystander = await server.createKey("initech", ["admin"]);
  things = await furnish(server, owner);
});
afterAll(() => server.close());

/** What the holder of a key is told of things, with the name of each in the place of its id. */
async function told(access: AccessPoint, { secret }: MadeKey, about: Belongings): Promise<Outcome> {
  const headers = access.styles[0]!(secret);
  const outcome = await whenServed(() => access.call(server.url, about, headers, newAddress()));
  return { ...outcome, said: anonymized(outcome.said, about) };
}

/** What the stranger is told about things that are another tenant's, and about things that nobody has. */
async function ask(access: AccessPoint): Promise<{ readonly foreign: Outcome; readonly unknown: Outcome }> {
  return { foreign: await told(access, stranger, things), unknown: await told(access, stranger, nothingOf()) };
}

const asTold = ({ status, code, said }: Outcome) => ({ status, code, said });

const RPC_ACCESS = [...GRPC_ACCESS, ...GRPC_WEB_ACCESS, ...CONNECT_ACCESS];
const rpcsThat = (outcome: ReturnType<typeof toStrangers>): AccessPoint[] =>
  RPC_ACCESS.filter(({ name }) =>
    RPCS.some((rpc) => name.endsWith(nameOf(rpc)) && toStrangers(nameOf(rpc)) === outcome),
  );

/** Routes that show or change nothing of anybody else's: they give a list, make something, or hand out tokens. */
const OWN =
  /^POST (\/v5)?\/assessments$|^GET (\/v5)?\/assessments$|\/search$|\/runs$|\/instances$|oauth|instances\/cancellation$/;

describe("to a caller of another tenant", () => {
  it.each(rpcsThat("not_found"))("$name says what it says of unknown ids", async (access) => {
    const { foreign, unknown } = await ask(access);

    expect(asTold(foreign)).toEqual(asTold(unknown));
    expect(foreign.code).toBe("not_found");
  });

  it.each(rpcsThat("blank"))("$name answers as if there were nothing", async (access) => {
    const { foreign, unknown } = await ask(access);

    expect(foreign).toMatchObject({ code: "ok" });
    expect(asTold(foreign)).toEqual(asTold(unknown));
  });

  it.each(rpcsThat("own"))("$name tells of the caller's own things alone", async (access) => {
    const { code, said } = await told(access, bystander, things);

    expect(code).toBe("ok");
    for (const name of Object.keys(things)) expect(said).not.toContain(`{${name}}`);
    for (const { id } of [owner, stranger]) expect(said).not.toContain(id);
  });

  it.each(DIALECT_ACCESS.filter(({ route }) => !OWN.test(route)))(
    "$name says 404, as of unknown ids",
    async (access) => {
      const { foreign, unknown } = await ask(access);

      expect(asTold(foreign)).toEqual(asTold(unknown));
      expect(foreign.status).toBe(404);
    },
  );

  it.each(DIALECT_ACCESS.filter(({ route }) => OWN.test(route)))(
    "$name tells nothing of the things",
    async (access) => {
      const { foreign } = await ask(access);

      for (const name of Object.keys(things)) expect(foreign.said).not.toContain(`{${name}}`);
    },
  );
});

describe("after all that", () => {
  it("the owner's things are as they were", async () => {
    const { executions, workers, keys } = server.as(owner);
    const [processInstance, process, workflowInstance, assessment, workflowRun] = await Promise.all([
      executions.getProcessInstance({ processInstanceKey: things.processInstance }),
      executions.getProcess({ processId: things.process }),
      executions.getWorkflowInstance({ instanceId: things.workflowInstance }),
      executions.getAssessment({ assessmentId: things.assessment }),
      executions.getWorkflowRun({ runId: things.workflowRun }),
    ]);
    const states = [
      processInstance.processInstance,
      process.process,
      workflowInstance.workflowInstance,
      assessment.assessment,
      workflowRun.workflowRun,
    ].map((shown) => shown?.execution?.state);
    const batch = await fetch(`${server.url}/v2/batch-operations/${things.batchOperation}`, {
      headers: { authorization: `Bearer ${owner.secret}` },
    });
    const { keys: listed } = await keys.listKeys({});
    const completed = await workers.completeListenerJob({ jobKey: things.listenerJob, activation: 1n });

    expect(states).toEqual(Array(5).fill(ExecutionState.RUNNING));
    expect(await batch.json()).toMatchObject({ state: "ACTIVE", operationsTotalCount: 1 });
    expect(listed.find(({ keyId }) => keyId === things.key)).not.toHaveProperty("revokeTime");
    expect(completed.cancellation?.id).toBe(things.cancellation);
  });
});
