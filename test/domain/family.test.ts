import { describe, expect, it } from "vitest";
import type { Execution } from "../../src/domain/execution.ts";
import { cancelWith, effectTypes, eventTypes, reasonOf, runningWorld, specWith, worldOf } from "./executions.ts";

const PARENT = { kind: "process_instance", id: "1" } as const;

function child(parent: Execution | null) {
  const world = worldOf("process_instance");
  world.facts = { hasLiveChildren: false, parent };
  const decision = world.send({
    type: "register",
    spec: specWith({ parent: PARENT }),
    queueItems: [],
    claim: { workerId: "w-1", leaseDuration: 15_000 },
  });
  return { world, decision };
}

describe("registering a child", () => {
  it("takes the parent's root, and tells the parent", () => {
    const running = runningWorld("process_instance").execution;
    const spec = specWith({ root: { kind: "process_instance", id: "0" } });
    const { world } = child(running === null ? null : { ...running, spec });
    expect(world.execution?.spec.root).toEqual({ kind: "process_instance", id: "0" });
    expect(effectTypes(world)).toContain("notify_parent");
  });

  it("is refused under a parent that is not registered", () => {
    expect(reasonOf(child(null).decision)).toBe("parent_not_found");
  });

  it("is refused under a parent that is being cancelled", () => {
    const parent = runningWorld("process_instance");
    parent.send(cancelWith());
    expect(reasonOf(child(parent.execution).decision)).toBe("parent_not_live");
  });
});

describe("cancelling a child", () => {
  it("of a process instance is refused, and names the root", () => {
    const { world } = child(runningWorld("process_instance").execution);
    const { reply } = world.send(cancelWith());
    expect(reply).toMatchObject({
      accepted: false,
      refusal: { reason: "not_a_root", metadata: { root_kind: "process_instance", root_id: "2251799813685249" } },
    });
  });

  it("of a process instance is done when it comes down from the parent", () => {
    const { world } = child(runningWorld("process_instance").execution);
    expect(reasonOf(world.send(cancelWith({ parentCancellationId: "c-parent" })))).toBe("applied");
  });

  it("of another kind is done by itself", () => {
    const world = worldOf("process");
    world.facts = { hasLiveChildren: false, parent: runningWorld("process").execution };
    world.send({
      type: "register",
      spec: specWith({ parent: { kind: "process", id: "p" } }),
      queueItems: [],
      claim: null,
    });
    expect(reasonOf(world.send(cancelWith()))).toBe("applied");
    expect(world.execution?.state).toBe("cancelled");
    expect(effectTypes(world)).toContain("notify_parent");
  });
});

describe("cancelling a parent", () => {
  function cancelledParent() {
    const world = runningWorld("process");
    world.facts = { hasLiveChildren: true, parent: null };
    effectTypes(world);
    eventTypes(world);
    world.send(cancelWith());
    return world;
  }

  it("stops the children first", () => {
    const world = cancelledParent();
    expect(world.execution?.cancellation?.stage).toBe("children");
    expect(effectTypes(world)).toEqual(["cancel_children", "children_timer"]);
  });

  it("takes its own turn when the last child has ended", () => {
    const world = cancelledParent();
    world.send({ type: "children_changed", change: "ended" });
    expect(world.execution?.cancellation?.stage).toBe("children");
    world.facts = { hasLiveChildren: false, parent: null };
    world.send({ type: "children_changed", change: "ended" });
    expect(world.execution?.cancellation?.stage).toBe("stopping");
  });

  it("takes its own turn when the children's time has passed", () => {
    const world = cancelledParent();
    world.now += 10_000;
    world.send({ type: "children_due", cancellationId: "c-1" });
    expect(world.execution?.cancellation?.stage).toBe("stopping");
    expect(eventTypes(world)).toContain("children_overdue");
  });

  it("passes an escalation on to the children", () => {
    const world = cancelledParent();
    effectTypes(world);
    world.send(cancelWith({ strategy: "hard" }));
    expect(effectTypes(world)).toEqual(["cancel_children"]);
  });

  it("also stops a child that was registered at the last moment", () => {
    const world = cancelledParent();
    effectTypes(world);
    world.send({ type: "children_changed", change: "registered" });
    expect(effectTypes(world)).toEqual(["cancel_children"]);
  });
});
