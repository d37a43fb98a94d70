import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessInstanceDetail } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

const SEARCH = "/v2/process-instances/search";

let server: TestServer;
let clients: Clients;

/** Five instances, in the order of their registration. */
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
  await register("11", { processDefinitionId: "order", processDefinitionVersion: 1, tags: ["eu", "gold"] });
  await register("12", { processDefinitionId: "order", processDefinitionVersion: 2, tags: ["eu"], businessId: "b-1" });
  await register("9", {
    processDefinitionId: "Order",
    processDefinitionKey: "700",
    processDefinitionName: "Orders [x]",
  });
  await register("13", { processDefinitionId: "invoice", processDefinitionVersion: 3 }, "11");
  const token = await register("14", { processDefinitionId: "invoice", processDefinitionVersionTag: "v*" }, null, true);
  await clients.executions.completeExecution({ execution: { kind: Kind.PROCESS_INSTANCE, id: "14" }, token });
});
afterAll(() => server.close());

/** Resolves with the token of its lease, if it is claimed. */
async function register(
  id: string,
  detail: Partial<Omit<ProcessInstanceDetail, "$typeName" | "$unknown">>,
  parent: string | null = null,
  claimed = false,
): Promise<bigint> {
  const { lease } = await clients.executions.registerExecution({
    kind: Kind.PROCESS_INSTANCE,
    id,
    detail: { case: "processInstance", value: detail },
    ...(parent === null ? {} : { parent: { kind: Kind.PROCESS_INSTANCE, id: parent } }),
    ...(claimed ? { claim: { workerId: "w" } } : {}),
  });
  return lease?.token ?? 0n;
}

interface Found {
  readonly status: number;
  readonly keys: readonly string[];
  readonly page: {
    readonly totalItems: number;
    readonly hasMoreTotalItems: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly detail: string;
}

async function search(body: unknown): Promise<Found> {
  const response = await fetch(`${server.url}${SEARCH}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = (await response.json()) as Omit<Found, "keys"> & { items?: { processInstanceKey: string }[] };
  return { ...json, status: response.status, keys: (json.items ?? []).map((item) => item.processInstanceKey) };
}

describe("a filter", () => {
  it.each<[unknown, readonly string[]]>([
    [{}, ["11", "12", "9", "13", "14"]],
    [null, ["11", "12", "9", "13", "14"]],
    [{ processInstanceKey: "12" }, ["12"]],
    [{ processInstanceKey: { $in: ["12", "14", "99"] } }, ["12", "14"]],
    [{ processInstanceKey: { $notIn: ["12", "14"] } }, ["11", "9", "13"]],
    [{ processInstanceKey: { $in: [] } }, []],
    [{ state: "ACTIVE" }, ["11", "12", "9", "13"]],
    [{ state: { $neq: "ACTIVE" } }, ["14"]],
    [{ state: { $in: ["COMPLETED", "TERMINATED"] } }, ["14"]],
    [{ state: { $like: "COMP*" } }, ["14"]],
    [{ processDefinitionId: "order" }, ["11", "12"]],
    [{ processDefinitionId: { $neq: "order" } }, ["9", "13", "14"]],
    [{ processDefinitionId: { $like: "?rder" } }, ["11", "12", "9"]],
    [{ processDefinitionName: { $like: "*[x]" } }, ["9"]],
    [{ processDefinitionVersionTag: { $like: "v\\*" } }, ["14"]],
    [{ processDefinitionVersionTag: { $like: "v\\?" } }, []],
    [{ processDefinitionVersion: 2 }, ["12"]],
    [{ processDefinitionVersion: { $gte: 2, $lt: 3 } }, ["12"]],
    [{ processDefinitionVersion: { $gt: 2 } }, ["13"]],
    [{ processDefinitionVersion: { $lte: 0 } }, ["9", "14"]],
    [{ processDefinitionKey: "700" }, ["9"]],
    [{ parentProcessInstanceKey: "11" }, ["13"]],
    [{ parentProcessInstanceKey: { $exists: false } }, ["11", "12", "9", "14"]],
    [{ tags: ["eu"] }, ["11", "12"]],
    [{ tags: ["eu", "gold"] }, ["11"]],
    [{ businessId: { $exists: true } }, ["12"]],
    [{ businessId: { $neq: "b-1" } }, ["11", "9", "13", "14"]],
    [{ hasIncident: true }, []],
    [{ hasIncident: false, tags: ["gold"] }, ["11"]],
    [{ tenantId: "<default>", tags: ["gold"] }, ["11"]],
    [{ tenantId: "another" }, []],
    [{ startDate: { $gt: "2020-01-01T00:00:00Z" }, tags: ["gold"] }, ["11"]],
    [{ startDate: { $lt: "2020-01-01T00:00:00.000+01:00" } }, []],
    [{ endDate: { $exists: true } }, ["14"]],
    [{ state: "ACTIVE", $or: [{ tags: ["gold"] }, { processDefinitionId: "invoice" }] }, ["11", "13"]],
  ])("%j selects %j", async (filter, keys) => {
    const found = await search({ filter });

    expect(found).toMatchObject({ status: 200, keys, page: { totalItems: keys.length, hasMoreTotalItems: false } });
  });

  it.each([
    [{ stat: "ACTIVE" }, "filter.stat"],
    [{ variables: [{ name: "x", value: "1" }] }, "filter.variables"],
    [{ state: "CANCELED" }, "filter.state"],
    [{ state: { $in: ["ACTIVE", 1] } }, "filter.state.$in[1]"],
    [{ processInstanceKey: "abc" }, "filter.processInstanceKey"],
    [{ processInstanceKey: { $gt: "1" } }, "filter.processInstanceKey"],
    [{ startDate: "yesterday" }, "filter.startDate"],
    [{ hasIncident: "true" }, "filter.hasIncident"],
    [{ $or: [{}, { tags: "eu" }] }, "filter.$or[1].tags"],
    [{ processInstanceKey: { $in: Array.from({ length: 1_001 }, String) } }, "filter.processInstanceKey.$in"],
    ["ACTIVE", "filter"],
  ])("%j is refused, so that it selects no more than is meant", async (filter, field) => {
    const found = await search({ filter });

    expect(found).toMatchObject({ status: 400, title: "INVALID_ARGUMENT", instance: SEARCH });
    expect(found.detail).toContain(`${field} `);
  });
});

describe("an order", () => {
  it.each<[unknown, readonly string[]]>([
    [[{ field: "processInstanceKey" }], ["9", "11", "12", "13", "14"]],
    [[{ field: "processInstanceKey", order: "DESC" }], ["14", "13", "12", "11", "9"]],
    [
      [
        { field: "processDefinitionId", order: "desc" },
        { field: "processDefinitionVersion", order: "DESC" },
      ],
      ["12", "11", "13", "14", "9"],
    ],
    [
      [{ field: "state", order: "DESC" }, { field: "tenantId" }],
      ["14", "11", "12", "9", "13"],
    ],
    [[{ field: "endDate", order: "DESC" }], ["14", "11", "12", "9", "13"]],
  ])("%j is kept, and by cursors in both directions too", async (sort, keys) => {
    const whole = await search({ sort });
    const first = await search({ sort, page: { limit: 2 } });
    const second = await search({ sort, page: { limit: 2, after: first.page.endCursor } });
    const third = await search({ sort, page: { limit: 2, after: second.page.endCursor } });
    const end = await search({ sort, page: { limit: 2, after: third.page.endCursor } });
    const back = await search({ sort, page: { limit: 2, before: third.page.startCursor } });

    expect(whole.keys).toEqual(keys);
    expect([first.keys, second.keys, third.keys]).toEqual([keys.slice(0, 2), keys.slice(2, 4), keys.slice(4)]);
    expect(end).toMatchObject({ keys: [], page: { totalItems: 5, startCursor: null, endCursor: null } });
    expect(back.keys).toEqual(second.keys);
  });

  it("by a field that is none is refused", async () => {
    expect(await search({ sort: [{ field: "colour" }] })).toMatchObject({ status: 400, title: "INVALID_ARGUMENT" });
  });
});

describe("a page", () => {
  it("begins where it is told", async () => {
    expect(await search({ page: { from: 3, limit: 1 } })).toMatchObject({ keys: ["13"], page: { totalItems: 5 } });
  });

  it.each([
    [{ limit: 0 }],
    [{ limit: 10_001 }],
    [{ from: -1 }],
    [{ from: 1, after: "AAAA" }],
    [{ after: "AAAA" }],
    [{ before: "not a cursor" }],
  ])("%j is refused", async (page) => {
    expect(await search({ page })).toMatchObject({ status: 400, title: "INVALID_ARGUMENT" });
  });

  it("refuses the cursor of another order", async () => {
    const { page } = await search({ page: { limit: 1 } });

    const answer = await search({ sort: [{ field: "state" }], page: { after: page.endCursor } });

    expect(answer).toMatchObject({ status: 400, title: "INVALID_ARGUMENT" });
  });
});
