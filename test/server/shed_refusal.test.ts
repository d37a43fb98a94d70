import { describe, expect, it, onTestFinished } from "vitest";
import { RefusalLog } from "../../src/gate/refusal_log.ts";
import { DIALECTS } from "../../src/rest/dialects.ts";
import { createRouteTable } from "../../src/rest/route_table.ts";
import { SERVICES } from "../../src/rpc/routes.ts";
import { shedRefusal } from "../../src/server/shed_refusal.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { AccessPoint } from "../e2e/access_points.ts";
import { nothingOf } from "../e2e/belongings.ts";
import { DIALECT_ACCESS } from "../e2e/dialect_access.ts";
import { newAddress } from "../e2e/loopback.ts";
import { CONNECT_ACCESS, GRPC_ACCESS } from "../e2e/rpc_access.ts";
import { openPort } from "./port_under_test.ts";

/** A port that has too much to do for any call, and the log of what it refuses. */
async function openOverloadedPort() {
  const store = await openSqliteStore(":memory:");
  onTestFinished(() => store.close());
  const faults: unknown[] = [];
  const refusals = new RefusalLog({ log: store.audit, now: Date.now, onFault: (error) => faults.push(error) });
  const table = createRouteTable(DIALECTS);
  const port = await openPort({
    services: SERVICES,
    admission: {
      admission: { enter: () => null, close: () => {} },
      table,
      onShed: (call) => {
        const entry = shedRefusal(call, table);
        if (entry !== null) refusals.addLater(entry);
      },
    },
  });
  return {
    url: port.url,
    /** All that was refused so far. */
    async log() {
      await refusals.close();
      const all = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
      expect(faults).toEqual([]);
      return (await store.audit.list("default", all, 0, 1_000)).events;
    },
  };
}

const CANCEL = /\/Cancel\w+$|\/cancel$|\/cancellation$|\/cancel-workflow$/;
const cancels = (access: readonly AccessPoint[]): AccessPoint[] => access.filter(({ name }) => CANCEL.test(name));

describe("a cancel that an overloaded server refuses at the door", () => {
  it("is in the audit log, by every route with what was to be cancelled", async () => {
    const { url, log } = await openOverloadedPort();
    const things = nothingOf();

    for (const { call } of cancels(DIALECT_ACCESS)) await call(url, things, {}, newAddress());

    const events = await log();
    const { processInstance, process, workflowInstance, assessment, workflowRun } = things;
    expect(events.map(({ action, execution }) => [action, execution?.id ?? ""])).toEqual([
      ["CancelProcessInstance", processInstance],
      ["CancelProcessInstance", processInstance],
      ["CreateBatchOperation", ""],
      ["CancelBatchOperation", ""],
      ["CancelProcess", process],
      ["CancelWorkflowInstance", workflowInstance],
      ["CancelAssessmentWorkflow", assessment],
      ["CancelAssessmentWorkflow", assessment],
      ["CancelWorkflowRun", workflowRun],
    ]);
    for (const event of events) {
      // Who it was was not asked.
      expect(event).toMatchObject({
        outcome: "OVERLOADED",
        principal: "",
        address: expect.stringMatching(/^127\.1\./),
      });
    }
  });

  it("is in the audit log by its RPC, of which nothing was read", async () => {
    const { url, log } = await openOverloadedPort();
    const rpcs = [...cancels(GRPC_ACCESS), ...cancels(CONNECT_ACCESS)];

    for (const { call } of rpcs) await call(url, nothingOf(), {}, newAddress());

    const events = await log();
    expect(events.map(({ action }) => action)).toEqual(rpcs.map(({ name }) => name.replace(/.*\//, "")));
    expect(events.every(({ execution, outcome }) => execution === null && outcome === "OVERLOADED")).toBe(true);
  });

  it("is counted with the others of its burst, and what is no cancel is not there", async () => {
    const { url, log } = await openOverloadedPort();
    const [cancel] = cancels(CONNECT_ACCESS);
    const [list] = CONNECT_ACCESS.filter(({ name }) => name.endsWith("/ListProcesses"));
    const from = newAddress();

    await Promise.all(Array.from({ length: 50 }, () => cancel!.call(url, nothingOf(), {}, from)));
    await list!.call(url, nothingOf(), {}, from);

    expect(await log()).toMatchObject([{ action: "CancelProcessInstance", count: 50 }]);
  });
});
