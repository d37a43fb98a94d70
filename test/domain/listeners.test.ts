import { beforeEach, describe, expect, it } from "vitest";
import { cancelWith, eventTypes, reasonOf, runningWorld, type World } from "./executions.ts";

let world: World;

/** A cancellation whose work has stopped and whose first listener waits for a worker. */
beforeEach(() => {
  world = runningWorld("process_instance", {
    listeners: [
      { type: "cleanup", retries: 2 },
      { type: "notify", retries: 1 },
    ],
  });
  world.send(cancelWith());
  world.send({ type: "report_stopped", token: 1, evidence: "" });
  eventTypes(world);
});

function take(key: string) {
  return world.send({ type: "activate_listener_job", jobKey: key, workerId: "l-1", lock: 5_000 });
}

describe("listeners", () => {
  it("run one after another, and the cancellation ends with the last", () => {
    expect(world.execution?.state).toBe("cancelling");
    take("c-1:0");
    world.send({ type: "complete_listener_job", jobKey: "c-1:0", activation: 1 });
    expect(world.execution?.cancellation?.listenerJob).toMatchObject({ key: "c-1:1", type: "notify" });
    take("c-1:1");
    world.send({ type: "complete_listener_job", jobKey: "c-1:1", activation: 1 });
    expect(world.execution).toMatchObject({ state: "cancelled", cancellation: { outcome: "cancelled" } });
  });

  it("are taken by one worker at a time", () => {
    expect(reasonOf(take("c-1:0"))).toBe("applied");
    expect(reasonOf(take("c-1:0"))).toBe("listener_job_not_held");
  });

  it("can be taken again when the worker kept the job too long, and the late worker is refused", () => {
    take("c-1:0");
    world.now += 5_000;
    world.send({ type: "listener_lock_due", jobKey: "c-1:0", activation: 1 });
    expect(reasonOf(take("c-1:0"))).toBe("applied");
    const late = world.send({ type: "complete_listener_job", jobKey: "c-1:0", activation: 1 });
    expect(reasonOf(late)).toBe("listener_job_not_held");
  });

  it("are tried again after a failure, when the backoff has passed", () => {
    take("c-1:0");
    world.send({
      type: "fail_listener_job",
      jobKey: "c-1:0",
      activation: 1,
      retries: null,
      message: "disk busy",
      backoff: 1_000,
    });
    expect(reasonOf(take("c-1:0"))).toBe("listener_job_not_held");
    world.now += 1_000;
    expect(reasonOf(take("c-1:0"))).toBe("applied");
  });

  it("can't veto: without retries the cancellation shows an incident and waits for an operator", () => {
    take("c-1:0");
    world.send({ type: "fail_listener_job", jobKey: "c-1:0", activation: 1, retries: 0, message: "no", backoff: 0 });
    expect(world.execution?.state).toBe("cancelling");
    expect(world.execution?.cancellation).toMatchObject({
      incidentAt: world.now,
      listenerJob: { state: "incident", message: "no" },
    });
    expect(reasonOf(take("c-1:0"))).toBe("listener_job_not_held");

    world.send({ type: "resolve_incident", cancellationId: "c-1", retries: 1 });
    expect(world.execution?.cancellation?.incidentAt).toBeNull();
    expect(reasonOf(take("c-1:0"))).toBe("applied");
  });

  it("refuse a job that is not open", () => {
    expect(reasonOf(take("c-1:7"))).toBe("listener_job_not_found");
  });
});
