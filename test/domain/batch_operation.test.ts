import { describe, expect, it } from "vitest";
import { itemEndOf } from "../../src/domain/batch_operation.ts";
import type { Command } from "../../src/domain/command.ts";
import { cancelWith, runningWorld } from "./executions.ts";

const KIND = "process_instance";
const CANCELLATION = { cancellationId: "c-1" } as const;
const complete: Command = { type: "complete", token: 1, result: null, outcomeId: null };
const stopped: Command = { type: "report_stopped", token: 1, evidence: "" };
const unstoppable: Command = {
  type: "signal_failed",
  ...CANCELLATION,
  signal: "stop",
  permanent: true,
  message: "the engine says no",
};
const finishedFirst: Command = {
  type: "verified",
  ...CANCELLATION,
  engineStatus: { status: "completed", detail: "done" },
};

describe("an item of a batch operation", () => {
  it.each<[string, Command[]]>([
    ["while nobody cancels its execution", []],
    ["while the stop is not proven", [cancelWith()]],
    ["while the stop of a soft cancel is not proven", [cancelWith({ strategy: "soft" })]],
  ])("has no end %s", (_, commands) => {
    const world = runningWorld(KIND);
    for (const command of commands) world.send(command);

    expect(itemEndOf(world.execution!)).toBeNull();
  });

  it("has completed when the cancellation has ended", () => {
    const world = runningWorld(KIND);
    for (const command of [cancelWith(), stopped]) world.send(command);

    expect(itemEndOf(world.execution!)).toEqual({ state: "completed", message: null });
  });

  it.each<[string, Command[], string]>([
    ["its execution had finished", [complete], "process instance '2251799813685249' has completed already"],
    [
      "its execution finished before the stop took effect",
      [cancelWith(), finishedFirst],
      "process instance '2251799813685249' has completed already",
    ],
    ["the engine refused for good to stop it", [cancelWith(), unstoppable], "the engine says no"],
  ])("has failed if %s", (_, commands, message) => {
    const world = runningWorld(KIND);
    for (const command of commands) world.send(command);

    expect(itemEndOf(world.execution!)).toEqual({ state: "failed", message });
  });
});
