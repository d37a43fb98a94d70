import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { AnyJson } from "../rest/json_call.ts";
import { type GatedServer, startGatedServer } from "./gated_server.ts";
import { cancelProcess, newTenant, type Tenant } from "./tenant.ts";
import { newId, WORKFLOW_ID } from "./work.ts";

let server: GatedServer;
beforeAll(async () => {
  server = await startGatedServer();
});
afterAll(() => server.close());

/** Two tenants that have nothing yet. */
let acme: Tenant;
let globex: Tenant;
beforeEach(async () => {
  [acme, globex] = [await newTenant(server, "acme"), await newTenant(server, "globex")];
});

describe("the place in a list", () => {
  it("that a page token of another tenant stands for is refused", async () => {
    for (const { clients } of [acme, globex]) {
      for (const id of ["a", "b", "c"]) {
        await clients.executions.registerExecution({ kind: Kind.PROCESS, id });
        await cancelProcess({ clients }, id);
        await clients.keys.createKey({ description: id, scopes: ["worker"] });
      }
    }
    const { executions, cancellations, keys } = acme.clients;
    const tokens = await Promise.all(
      [
        executions.listProcesses({ pageSize: 1 }),
        cancellations.listCancellations({ pageSize: 1 }),
        keys.listKeys({ pageSize: 1 }),
      ].map(async (page) => (await page).nextPageToken),
    );
    const [processes = "", cancelled = "", made = ""] = tokens;

    const { clients } = globex;
    const asked = await Promise.allSettled([
      clients.executions.listProcesses({ pageSize: 1, pageToken: processes }),
      clients.cancellations.listCancellations({ pageSize: 1, pageToken: cancelled }),
      clients.keys.listKeys({ pageSize: 1, pageToken: made }),
    ]);

    expect(tokens.map((token) => token !== "")).toEqual([true, true, true]);
    for (const each of asked) {
      expect(each).toMatchObject({ status: "rejected", reason: { code: Code.InvalidArgument } });
      expect(String((each as PromiseRejectedResult).reason)).toContain("page_token");
    }
  });

  it("that the id of another tenant's run stands for is as unknown as that of nobody's", async () => {
    await acme.clients.executions.registerExecution({ kind: Kind.WORKFLOW_RUN, id: "their-run" });
    await globex.clients.executions.registerExecution({ kind: Kind.WORKFLOW_RUN, id: "own-run" });

    for (const side of ["after", "before"]) {
      const foreign = await globex.rest("GET", `/v1/workflows/runs?${side}=their-run`);
      const unknown = await globex.rest("GET", `/v1/workflows/runs?${side}=nobody-has`);

      expect({ ...foreign, body: JSON.stringify(foreign.body).replaceAll("their-run", "nobody-has") }).toEqual({
        ...unknown,
        body: JSON.stringify(unknown.body),
      });
    }
  });

  it("that a cursor of another tenant's search stands for shows nothing of theirs", async () => {
    for (const { clients } of [acme, globex]) {
      for (let count = 0; count < 3; count += 1) {
        await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE, id: newId(Kind.PROCESS_INSTANCE) });
      }
    }
    const search = "/v2/process-instances/search";
    const theirs = await acme.rest("POST", search, { page: { limit: 1 } });

    const after = theirs.body.page.endCursor;
    const { body } = await globex.rest("POST", search, { page: { limit: 100, after } });

    const keysOf = (items: AnyJson): string[] => (items ?? []).map((item: AnyJson) => item.processInstanceKey);
    const all = await globex.rest("POST", search, {});
    expect(keysOf(all.body.items)).toHaveLength(3);
    expect(keysOf(all.body.items)).toEqual(expect.arrayContaining(keysOf(body.items)));
  });
});

describe("the lists of the products", () => {
  it("show each tenant its own, and count no others", async () => {
    for (const { clients } of [acme, globex]) {
      const instance = { workflowId: WORKFLOW_ID };
      await clients.executions.registerExecution({
        kind: Kind.WORKFLOW_INSTANCE,
        id: `instance-of-${randomUUID()}`,
        detail: { case: "workflowInstance", value: instance },
      });
      await clients.executions.registerExecution({ kind: Kind.PROCESS_INSTANCE });
    }

    const instances = await globex.rest("GET", `/api/v2/workflows/${WORKFLOW_ID}/instances`);
    const found = await globex.rest("POST", "/v2/process-instances/search", {});

    expect(instances.body).toMatchObject({ data: [{}], meta: { page: { totalCount: 1 } } });
    expect(instances.body.data).toHaveLength(1);
    expect(found.body).toMatchObject({ items: [{ tenantId: globex.name }], page: { totalItems: 1 } });
  });
});

describe("the keys and the audit log of a tenant", () => {
  it("are for its own admin, and for the operator of the server", async () => {
    await acme.clients.executions.registerExecution({ kind: Kind.PROCESS, id: "the-same" });
    await cancelProcess(acme, "the-same");
    const { keys, audit } = globex.clients;

    const refused = await Promise.allSettled([
      keys.createKey({ description: "mine", tenant: acme.name, scopes: ["admin"] }),
      keys.listKeys({ tenant: acme.name }),
      keys.revokeKey({ tenant: acme.name, keyId: acme.key.id }),
      audit.listAuditEvents({ tenant: acme.name }),
    ]);
    const own = await audit.listAuditEvents({});
    const shown = await server.operator.audit.listAuditEvents({ tenant: acme.name });
    const listed = await server.operator.keys.listKeys({ tenant: acme.name });

    for (const each of refused) {
      expect(each).toMatchObject({ status: "rejected", reason: { code: Code.PermissionDenied } });
    }
    expect(own.events.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["CreateKey", "applied"],
      ["CreateKey", "PERMISSION_DENIED"],
      ["RevokeKey", "PERMISSION_DENIED"],
    ]);
    expect(shown.events.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["CreateKey", "applied"],
      ["CancelProcess", "applied"],
    ]);
    expect(listed.keys.map(({ keyId }) => keyId)).toEqual([acme.key.id]);
    await expect(acme.clients.executions.listProcesses({})).resolves.toBeDefined();
  });

  it("are not the operator's where it names no tenant", async () => {
    const { keys } = await server.operator.keys.listKeys({});

    expect(keys.map(({ tenant }) => tenant).filter((tenant) => tenant !== "default")).toEqual([]);
  });
});
