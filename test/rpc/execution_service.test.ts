import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Execution } from "../../src/domain/execution.ts";
import { openDoor } from "./double.ts";
import { EVENT, executionOf, LEASE, NOON } from "./samples.ts";

const ref = { kind: Kind.PROCESS, id: "p-1" } as const;
const key = { tenant: "default", kind: "process", id: "p-1" };

describe("RegisterExecution", () => {
  it("answers with the lease that was claimed", async () => {
    const door = openDoor({ register: () => Promise.resolve(executionOf("process")) });

    const answer = await door.executions.registerExecution({ kind: Kind.PROCESS, claim: { workerId: "w-1" } });

    expect(answer).toMatchObject({
      execution: { state: ExecutionState.RUNNING },
      lease: { token: 3n, expireTime: timestampFromMs(LEASE.expiresAt), leaseSeconds: 15 },
    });
  });

  it.each([
    ["nothing was claimed", undefined],
    ["another worker holds it", { workerId: "w-2" }],
  ])("answers without a lease where %s", async (_case, claim) => {
    const door = openDoor({ register: () => Promise.resolve(executionOf("process")) });

    const answer = await door.executions.registerExecution({ kind: Kind.PROCESS, ...(claim && { claim }) });

    expect(answer.lease).toBeUndefined();
  });
});

describe("the end of an execution", () => {
  it("by a result is recorded under its token", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      complete: (...request) => {
        asked.push(request);
        return Promise.resolve(executionOf("process", { state: "completed" }));
      },
    });

    await door.executions.completeExecution({ execution: ref, token: 3n, result: { ok: true }, outcomeId: "o-1" });
    await door.executions.completeExecution({ execution: ref });

    expect(asked).toEqual([
      [key, 3, { ok: true }, "o-1", null],
      [key, 0, null, null, null],
    ]);
  });

  it("by an error is recorded with what is known of it", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      fail: (...request) => {
        asked.push(request);
        return Promise.resolve(executionOf("process", { state: "failed" }));
      },
    });

    await door.executions.failExecution({ execution: ref, token: 3n, error: { message: "no", details: { try: 2 } } });
    await door.executions.failExecution({ execution: ref });

    expect(asked).toEqual([
      [key, 3, { type: "", message: "no", step: "", details: { try: 2 } }, null],
      [key, 0, { type: "", message: "", step: "", details: {} }, null],
    ]);
  });
});

describe("executions are shown by kind", () => {
  const found: string[] = [];
  const door = openDoor({
    getExecution: ({ kind, id }) => {
      found.push(`${kind} ${id}`);
      return Promise.resolve(executionOf(kind));
    },
    listExecutions: (_tenant, filter): Promise<{ items: Execution[]; nextPageToken: string }> => {
      found.push(`${filter.kind} in ${filter.workflowId}`);
      return Promise.resolve({ items: [executionOf(filter.kind)], nextPageToken: "next" });
    },
  });

  it("one by one", async () => {
    found.length = 0;

    await door.executions.getProcessInstance({ processInstanceKey: "1" });
    await door.executions.getProcess({ processId: "p" });
    await door.executions.getWorkflowInstance({ instanceId: "i" });
    await door.executions.getAssessment({ assessmentId: "a" });
    await door.executions.getWorkflowRun({ runId: "r" });

    expect(found).toEqual(["process_instance 1", "process p", "workflow_instance i", "assessment a", "workflow_run r"]);
  });

  it("in lists", async () => {
    found.length = 0;

    const answers = [
      (await door.executions.listProcessInstances({})).processInstances,
      (await door.executions.listProcesses({})).processes,
      (await door.executions.listWorkflowInstances({ workflowId: "wf-1" })).workflowInstances,
      (await door.executions.listAssessments({})).assessments,
      (await door.executions.listWorkflowRuns({})).workflowRuns,
    ];

    expect(answers.map((items) => items.length)).toEqual([1, 1, 1, 1, 1]);
    expect(found).toEqual([
      "process_instance in null",
      "process in null",
      "workflow_instance in wf-1",
      "assessment in null",
      "workflow_run in null",
    ]);
  });

  it("that fit every filter", async () => {
    const asked: unknown[] = [];
    const filtering = openDoor({
      listExecutions: (...request) => {
        asked.push(request);
        return Promise.resolve({ items: [], nextPageToken: "" });
      },
    });

    await filtering.executions.listProcesses({
      pageSize: 7,
      pageToken: "this",
      filter: {
        states: [ExecutionState.UNSPECIFIED, ExecutionState.RUNNING],
        labels: { team: "blue" },
        parent: { kind: Kind.WORKFLOW_RUN, id: "r-1" },
        createdAfter: timestampFromMs(NOON),
      },
    });

    expect(asked).toEqual([
      [
        "default",
        {
          kind: "process",
          states: ["running"],
          labels: { team: "blue" },
          parent: { kind: "workflow_run", id: "r-1" },
          createdAfter: NOON,
          createdBefore: null,
          workflowId: null,
        },
        { size: 7, token: "this" },
      ],
    ]);
  });
});

describe("WatchExecution", () => {
  it("passes on each event", async () => {
    const door = openDoor({
      async *watchExecution() {
        yield EVENT;
        yield { ...EVENT, sequence: 8, cancellationId: null };
      },
    });

    const seen: string[] = [];
    for await (const { event } of door.executions.watchExecution({ execution: ref })) {
      seen.push(`${event?.sequence} of ${event?.cancellationId || "none"}`);
    }

    expect(seen).toEqual(["7 of c-1", "8 of none"]);
  });
});
