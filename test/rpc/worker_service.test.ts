import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type AttachResponse, StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Cancellation, ListenerJob } from "../../src/domain/cancellation.ts";
import type { LeaseAnswer, WorkerMessage } from "../../src/service/service.ts";
import { errorOf, openDoor } from "./double.ts";
import { CANCELLATION, executionOf, LEASE, NOON } from "./samples.ts";

const ref = { kind: Kind.PROCESS, id: "p-1" } as const;
const stopping = executionOf("process", { state: "cancelling", token: 4, cancellation: CANCELLATION });

describe("StartExecution", () => {
  it("answers with the lease", async () => {
    const claims: unknown[] = [];
    const door = openDoor({
      start: (_key, claim) => {
        claims.push(claim);
        return Promise.resolve(executionOf("process"));
      },
    });

    const answer = await door.workers.startExecution({ execution: ref, claim: { workerId: "w-1", leaseSeconds: 60 } });

    expect(claims).toEqual([{ workerId: "w-1", leaseDuration: 60_000 }]);
    expect(answer.lease?.token).toBe(3n);
  });
});

describe("Attach", () => {
  it("says that it is live, and passes on orders with the cancellation behind them", async () => {
    const messages: WorkerMessage[] = [
      { type: "attached" },
      { type: "stop_order", order: { execution: stopping, token: 3, signal: "stop" } },
      {
        type: "stop_order",
        order: { execution: executionOf("process", { token: 4 }), token: 1, signal: "lease_lost" },
      },
    ];
    const door = openDoor({
      async *attach() {
        yield* messages;
      },
    });

    const seen: AttachResponse["message"][] = [];
    for await (const { message } of door.workers.attach({ workerId: "w-1" })) seen.push(message);

    expect(seen).toMatchObject([
      { case: "attached" },
      {
        case: "stopOrder",
        value: { execution: ref, token: 3n, signal: StopSignal.STOP, cancellation: { id: "c-1", timeline: [] } },
      },
      { case: "stopOrder", value: { token: 1n, signal: StopSignal.LEASE_LOST } },
    ]);
    expect(seen[2]?.case === "stopOrder" && seen[2].value.cancellation).toBeUndefined();
  });
});

describe("Heartbeat", () => {
  async function answersTo(...answers: LeaseAnswer[]) {
    const door = openDoor({ heartbeat: () => Promise.resolve(answers) });
    const leases = answers.map((_, index) => ({ execution: { ...ref, id: `p-${index}` }, token: 3n }));
    return (await door.workers.heartbeat({ workerId: "w-1", leases })).leases;
  }

  it("answers for each lease, in their order", async () => {
    const leases = await answersTo(
      { execution: executionOf("process"), signal: "none" },
      { execution: stopping, signal: "terminate" },
      { execution: null, signal: "lease_lost" },
    );

    expect(leases).toMatchObject([
      { execution: { id: "p-0" }, signal: StopSignal.UNSPECIFIED, expireTime: timestampFromMs(LEASE.expiresAt) },
      { execution: { id: "p-1" }, signal: StopSignal.TERMINATE, cancellation: { id: "c-1" } },
      { execution: { id: "p-2" }, signal: StopSignal.LEASE_LOST },
    ]);
    expect(leases[0]?.cancellation).toBeUndefined();
    expect(leases[2]?.expireTime).toBeUndefined();
  });

  it("names the cancellation of work whose lease was lost to it, not of work that was handed on", async () => {
    const cancelled = executionOf("process", { state: "cancelled", cancellation: CANCELLATION });
    const handedOn = { ...cancelled, lease: { ...LEASE, token: 9 } };

    const [mine, another] = await answersTo(
      { execution: cancelled, signal: "lease_lost" },
      { execution: handedOn, signal: "lease_lost" },
    );

    expect(mine?.cancellation?.id).toBe("c-1");
    expect(another?.cancellation).toBeUndefined();
  });

  it("names the lease whose token can't be one", async () => {
    const leases = [
      { execution: ref, token: 1n },
      { execution: ref, token: 2n ** 60n },
    ];

    const error = await errorOf(openDoor({}).workers.heartbeat({ workerId: "w-1", leases }));

    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain("leases[1].token must be an integer of at most");
  });
});

describe("ReportStopped", () => {
  it("passes on the evidence", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      reportStopped: (...request) => {
        asked.push(request);
        return Promise.resolve(stopping);
      },
    });

    await door.workers.reportStopped({ execution: ref, token: 3n, evidence: "exit code 143" });

    expect(asked).toEqual([[{ tenant: "default", kind: "process", id: "p-1" }, 3, "exit code 143", null]]);
  });
});

describe("listener jobs", () => {
  const job: ListenerJob = {
    key: "c-1:0",
    index: 0,
    type: "cleanup",
    state: "activated",
    retries: 2,
    activation: 4,
    workerId: "w-1",
    availableAt: NOON + 60_000,
    message: "",
  };
  const cancellation: Cancellation = { ...CANCELLATION, stage: "listeners", listenerJob: job };
  const waiting = { execution: { ...stopping, cancellation }, cancellation };

  it("are taken one at a time, for a minute, without waiting, where nothing is said", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      activateListenerJobs: (request) => {
        asked.push(request);
        return Promise.resolve([waiting]);
      },
    });

    const { jobs } = await door.workers.activateListenerJobs({ workerId: "w-1", types: ["cleanup"] });

    expect(asked).toEqual([
      { tenant: "default", workerId: "w-1", types: ["cleanup"], maxJobs: 1, lock: 60_000, wait: 0 },
    ]);
    expect(jobs).toMatchObject([
      {
        key: "c-1:0",
        type: "cleanup",
        activation: 4n,
        retries: 2,
        lockExpireTime: timestampFromMs(NOON + 60_000),
        execution: ref,
        cancellation: { id: "c-1" },
      },
    ]);
  });

  it("are completed and failed under their activation", async () => {
    const asked: unknown[] = [];
    const door = openDoor({
      completeListenerJob: (...request) => {
        asked.push(request);
        return Promise.resolve(waiting);
      },
      failListenerJob: (...request) => {
        asked.push(request);
        return Promise.resolve(waiting);
      },
    });

    await door.workers.completeListenerJob({ jobKey: "c-1:0", activation: 4n });
    await door.workers.failListenerJob({ jobKey: "c-1:0", activation: 4n, message: "disk full" });
    await door.workers.failListenerJob({ jobKey: "c-1:0", activation: 4n, retries: 0, backoffSeconds: 5 });

    expect(asked).toEqual([
      ["default", "c-1:0", 4, null],
      ["default", "c-1:0", 4, { retries: null, message: "disk full", backoff: 0 }, null],
      ["default", "c-1:0", 4, { retries: 0, message: "", backoff: 5_000 }, null],
    ]);
  });
});
