import { describe, expect, it } from "vitest";
import { cancelWith, effectTypes, eventTypes, runningWorld } from "./executions.ts";

/** The clock by which timers are watched may be a little ahead of the one by which commands are decided. */
describe("a timer that fires too early", () => {
  it("terminates nothing yet, and is owed again", () => {
    const world = runningWorld("process");
    world.send(cancelWith({ strategy: "soft_then_force", forceAfter: 5_000 }));
    eventTypes(world);
    effectTypes(world);
    const { forceAt } = world.execution!.cancellation!;

    world.now = forceAt! - 1;
    const early = world.send({ type: "force_due", cancellationId: "c-1" });

    expect(early.effects).toEqual([{ type: "force_timer", dueAt: forceAt, cancellationId: "c-1" }]);
    expect(eventTypes(world)).toEqual([]);
    world.now = forceAt!;
    world.send({ type: "force_due", cancellationId: "c-1" });
    expect(eventTypes(world)).toEqual(["terminate_requested"]);
  });

  it("leaves a listener its lock, and is owed again", () => {
    const world = runningWorld("process", { listeners: [{ type: "clean-up", retries: 3 }] });
    world.send(cancelWith({ strategy: "hard" }));
    world.send({ type: "report_stopped", token: 1, evidence: "gone" });
    const { key } = world.execution!.cancellation!.listenerJob!;
    world.send({ type: "activate_listener_job", jobKey: key, workerId: "l-1", lock: 5_000 });
    eventTypes(world);
    const locked = world.now + 5_000;

    world.now = locked - 1;
    const early = world.send({ type: "listener_lock_due", jobKey: key, activation: 1 });

    expect(early.effects).toEqual([{ type: "listener_timer", dueAt: locked, jobKey: key, activation: 1 }]);
    expect(eventTypes(world)).toEqual([]);
    world.now = locked;
    world.send({ type: "listener_lock_due", jobKey: key, activation: 1 });
    expect(eventTypes(world)).toEqual(["listener_job_timed_out"]);
  });
});
