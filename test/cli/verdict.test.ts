import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  CancellationOutcome,
  CancellationSchema,
  CancellationStage,
  StopProof,
} from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionSchema, ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Standing } from "../../src/cli/kinds/kind_access.ts";
import { verdictOn } from "../../src/cli/verdict.ts";

function standing(state: ExecutionState, cancellation?: MessageInitShape<typeof CancellationSchema>): Standing {
  return {
    execution: create(ExecutionSchema, { ref: { kind: Kind.PROCESS, id: "p-1" }, state }),
    cancellation: cancellation === undefined ? null : create(CancellationSchema, cancellation),
    json: {},
  };
}

const ended = { stage: CancellationStage.ENDED };
const { CANCELLED, FAILED, FINISHED_FIRST, PENDING } = CancellationOutcome;

describe("the verdict on a cancel", () => {
  it.each([
    ["confirmed", StopProof.CONFIRMED, 0, "process p-1 is cancelled; its work has stopped, proven"],
    ["none", StopProof.NONE, 0, "process p-1 is cancelled; no work was running"],
    ["lost", StopProof.LOST, 9, "process p-1 is cancelled, but its worker was lost before it could confirm the stop"],
  ])("depends on the proof: %s", (_, stopProof, exitCode, sentence) => {
    const cancelled = standing(ExecutionState.CANCELLED, { ...ended, outcome: CANCELLED, stopProof });

    expect(verdictOn(cancelled, true)).toEqual({ exitCode, sentence });
  });

  it("is never a success while the cancellation is under way and its end was waited for", () => {
    const pending = { outcome: PENDING, stage: CancellationStage.STOPPING, stopProof: StopProof.PENDING };
    const softly = standing(ExecutionState.CANCELLED, pending);
    const firmly = standing(ExecutionState.CANCELLING, pending);

    expect([softly, firmly].map((it) => verdictOn(it, false).exitCode)).toEqual([0, 0]);
    expect([softly, firmly].map((it) => verdictOn(it, true).exitCode)).toEqual([7, 7]);
  });

  it("tells work that had ended before from work that ended during the cancel", () => {
    expect(verdictOn(standing(ExecutionState.FAILED), true)).toEqual({
      exitCode: 4,
      sentence: "process p-1 had failed before it could be cancelled",
    });
    expect(verdictOn(standing(ExecutionState.COMPLETED, { ...ended, outcome: FINISHED_FIRST }), true)).toEqual({
      exitCode: 4,
      sentence: "process p-1 finished before the stop could take effect",
    });
  });

  it("quotes an engine that refused, while the work runs on", () => {
    const refused = { ...ended, outcome: FAILED, failure: "no such container" };

    expect(verdictOn(standing(ExecutionState.RUNNING, refused), true)).toEqual({
      exitCode: 8,
      sentence: "process p-1 could not be stopped and runs on: no such container",
    });
  });

  it("does not hold a failed cancellation against work that completed later", () => {
    expect(verdictOn(standing(ExecutionState.COMPLETED, { ...ended, outcome: FAILED }), true).exitCode).toBe(4);
  });
});
