import { describe, expect, it } from "vitest";
import {
  cancelWith,
  effectTypes,
  eventTypes,
  reasonOf,
  runningWorld,
  specWith,
  type World,
  worldOf,
} from "./executions.ts";

function cancelled(world: World, change: Parameters<typeof cancelWith>[0] = {}): World {
  eventTypes(world);
  effectTypes(world);
  world.send(cancelWith(change));
  return world;
}

describe("cancelling work that nobody runs", () => {
  it("is over at once, with nothing to prove", () => {
    const world = worldOf("process");
    world.send({
      type: "register",
      spec: specWith(),
      queueItems: [{ id: "q-1", state: "pending" }],
      claim: null,
    });
    cancelled(world);
    expect(world.execution).toMatchObject({
      state: "cancelled",
      queueItems: [{ id: "q-1", state: "cancelled" }],
      cancellation: { stage: "ended", outcome: "cancelled", proof: "none", termination: "not_needed" },
    });
    expect(eventTypes(world)).toEqual(["cancellation_requested", "queue_items_cancelled", "cancellation_ended"]);
    expect(effectTypes(world)).toEqual([]);
  });

  it("can't prove anything where a worker has lost its lease, until that worker comes back", () => {
    const world = runningWorld("process");
    world.now += 15_000;
    world.send({ type: "lease_due", token: 1 });
    cancelled(world);
    expect(world.execution).toMatchObject({ state: "cancelled", cancellation: { stage: "ended", proof: "lost" } });

    world.send({ type: "report_stopped", token: 1, evidence: "gone" });
    expect(world.execution?.cancellation).toMatchObject({ outcome: "cancelled", proof: "confirmed" });
  });
});

describe("strategy soft", () => {
  it("cancels at once, refuses the later result, and waits for the proof", () => {
    const world = cancelled(runningWorld("process"), { strategy: "soft" });
    expect(world.execution).toMatchObject({
      state: "cancelled",
      cancellation: { stage: "stopping", outcome: "pending", proof: "pending", forceAt: null },
    });
    expect(effectTypes(world)).toEqual(["request_stop", "verify"]);

    expect(reasonOf(world.send({ type: "complete", token: 1, result: null, outcomeId: null }))).toBe(
      "already_cancelled",
    );
    world.send({ type: "report_stopped", token: 1, evidence: "" });
    expect(world.execution?.cancellation).toMatchObject({ stage: "ended", proof: "confirmed" });
  });
});

describe("strategy hard", () => {
  it("terminates at once, and is cancelled when the stop is proven", () => {
    const world = cancelled(runningWorld("process"), { strategy: "hard" });
    expect(world.execution).toMatchObject({
      state: "cancelling",
      cancellation: { stage: "terminating", termination: "pending", proof: "pending" },
    });
    expect(effectTypes(world)).toEqual(["terminate", "verify"]);

    world.send({ type: "signal_delivered", cancellationId: "c-1", signal: "terminate" });
    world.send({ type: "report_stopped", token: 1, evidence: "exit code 137" });
    expect(world.execution).toMatchObject({
      state: "cancelled",
      cancellation: { outcome: "cancelled", proof: "confirmed", termination: "issued" },
    });
  });
});

describe("strategy soft_then_force", () => {
  it("needs no terminate if the work stops when asked", () => {
    const world = cancelled(runningWorld("process"));
    expect(world.execution?.cancellation).toMatchObject({ stage: "stopping", termination: "pending" });
    world.send({ type: "report_stopped", token: 1, evidence: "" });
    expect(world.execution?.cancellation).toMatchObject({ outcome: "cancelled", termination: "not_needed" });
    world.now += 10_000;
    world.send({ type: "force_due", cancellationId: "c-1" });
    expect(effectTypes(world)).not.toContain("terminate");
  });

  it("terminates when the time has passed, not before, and once", () => {
    const world = cancelled(runningWorld("process"), { forceAfter: 1_000 });
    world.now += 999;
    world.send({ type: "force_due", cancellationId: "c-1" });
    expect(world.execution?.cancellation?.stage).toBe("stopping");
    world.now += 1;
    world.send({ type: "force_due", cancellationId: "c-1" });
    world.send({ type: "force_due", cancellationId: "c-1" });
    expect(world.execution?.cancellation?.stage).toBe("terminating");
    expect(effectTypes(world).filter((type) => type === "terminate")).toHaveLength(1);
  });
});

describe("cancelling twice", () => {
  it("joins the cancellation under way", () => {
    const world = cancelled(runningWorld("process"));
    expect(reasonOf(world.send(cancelWith({ cancellationId: "c-2" })))).toBe("joined");
    expect(world.execution?.cancellation?.id).toBe("c-1");
  });

  it("escalates soft to soft_then_force to hard, and never back", () => {
    const world = cancelled(runningWorld("process"), { strategy: "soft" });
    expect(reasonOf(world.send(cancelWith({ strategy: "soft_then_force", forceAfter: 5_000 })))).toBe("escalated");
    expect(world.execution?.cancellation).toMatchObject({ strategy: "soft_then_force", forceAt: world.now + 5_000 });
    expect(reasonOf(world.send(cancelWith({ strategy: "hard" })))).toBe("escalated");
    expect(world.execution).toMatchObject({ state: "cancelled", cancellation: { stage: "terminating" } });
    expect(reasonOf(world.send(cancelWith({ strategy: "soft" })))).toBe("joined");
    expect(world.execution?.cancellation?.strategy).toBe("hard");
  });

  it("changes nothing once the cancellation has ended", () => {
    const world = cancelled(runningWorld("process"), { strategy: "hard" });
    world.send({ type: "report_stopped", token: 1, evidence: "" });
    const before = world.execution;
    expect(reasonOf(world.send(cancelWith()))).toBe("already_cancelled");
    expect(world.execution).toBe(before);
  });
});

describe("the race between a cancel and a result", () => {
  it("is won by the result if it comes first", () => {
    const world = runningWorld("workflow_run");
    world.send({ type: "complete", token: 1, result: { pages: 3 }, outcomeId: null });
    expect(reasonOf(world.send(cancelWith()))).toBe("already_finished");
    expect(world.execution).toMatchObject({ state: "completed", cancellation: null });
  });

  it("is won by the cancel if it comes first: the result is refused, and the timeline says so", () => {
    const world = cancelled(runningWorld("workflow_run"));
    const late = world.send({ type: "complete", token: 1, result: { pages: 3 }, outcomeId: null });
    expect(reasonOf(late)).toBe("cancellation_under_way");
    expect(world.execution).toMatchObject({ state: "cancelling", result: null });
    expect(eventTypes(world)).toContain("result_refused");
  });

  it("is decided by the engine's word if no worker can tell", () => {
    const world = cancelled(runningWorld("workflow_run"));
    world.send({
      type: "verified",
      cancellationId: "c-1",
      engineStatus: { status: "completed", detail: "done at 10:00" },
    });
    expect(world.execution).toMatchObject({
      state: "completed",
      cancellation: { outcome: "finished_first", stage: "ended" },
    });
  });
});

describe("a worker that is lost", () => {
  it("ends the cancellation as lost when its lease runs out, and as confirmed when it comes back", () => {
    const world = cancelled(runningWorld("process"));
    world.now += 15_000;
    world.send({ type: "lease_due", token: 1 });
    expect(world.execution).toMatchObject({
      state: "cancelled",
      cancellation: { outcome: "cancelled", proof: "lost" },
    });
    world.send({ type: "report_stopped", token: 1, evidence: "" });
    expect(world.execution?.cancellation?.proof).toBe("confirmed");
  });

  it("keeps its lease by heartbeats, and is watched for longer", () => {
    const world = cancelled(runningWorld("process"));
    world.now += 10_000;
    world.send({ type: "heartbeat", token: 1 });
    world.now += 5_000;
    effectTypes(world);
    world.send({ type: "lease_due", token: 1 });
    expect(world.execution?.state).toBe("cancelling");
    expect(effectTypes(world)).toEqual(["lease_timer"]);
  });
});

describe("an engine", () => {
  it("that refuses for good ends the cancellation as failed, in its own words, and the work goes on", () => {
    const world = cancelled(runningWorld("process"));
    world.send({
      type: "signal_failed",
      cancellationId: "c-1",
      signal: "stop",
      permanent: true,
      message: "403 forbidden",
    });
    expect(world.execution).toMatchObject({
      state: "running",
      cancellation: { outcome: "failed", failure: "403 forbidden", proof: "none" },
    });
    expect(reasonOf(world.send({ type: "complete", token: 1, result: null, outcomeId: null }))).toBe("applied");
  });

  it("that does not answer in time makes the cancellation overdue, with the reason", () => {
    const world = cancelled(runningWorld("process"), { strategy: "hard" });
    world.now += 30_000;
    world.send({ type: "verified", cancellationId: "c-1", engineStatus: { status: "running", detail: "still up" } });
    expect(world.execution?.cancellation?.overdueReason).toBe("still up");
    expect(eventTypes(world)).toContain("overdue");
    expect(effectTypes(world)).toContain("verify");
  });
});

describe("assessments", () => {
  it("take the template's canceled outcome", () => {
    const world = cancelled(runningWorld("assessment", { canceledOutcomeId: "withdrawn" }), { strategy: "soft" });
    expect(world.execution).toMatchObject({ state: "cancelled", outcomeId: "withdrawn" });
  });
});

describe("a result that comes again", () => {
  const error = { type: "Oom", message: "out of memory", step: "", details: {} };

  it("is welcome from the worker whose result it was", () => {
    const world = runningWorld("process");
    world.send({ type: "fail", token: 1, error });
    expect(reasonOf(world.send({ type: "fail", token: 1, error }))).toBe("unchanged");
  });

  it("is refused with a token that was given to nobody, however the work came to its end", () => {
    const world = cancelled(runningWorld("process"));
    const engineStatus = { status: "failed", detail: "exit code 137" } as const;
    world.send({ type: "verified", cancellationId: "c-1", engineStatus });
    expect(world.execution).toMatchObject({ state: "failed", token: 2, lease: { token: 1 } });
    expect(reasonOf(world.send({ type: "fail", token: 2, error }))).toBe("already_finished");
  });
});
