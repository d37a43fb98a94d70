import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cancellation } from "../../src/domain/cancellation.ts";
import { cancellationJsonOf, cancellationOf, specJsonOf, specOf } from "../../src/store/row_json.ts";
import { cancelWith, specWith, worldOf } from "../domain/executions.ts";
import { history, play } from "../domain/histories.ts";

function cancelled(): Cancellation {
  const world = worldOf("process");
  world.send({ type: "register", spec: specWith(), queueItems: [], claim: null });
  world.send(cancelWith({ reason: "" }));
  const cancellation = world.execution?.cancellation;
  if (!cancellation) throw new Error("nothing was cancelled");
  return cancellation;
}

/** As it is read from a row with this text, and the columns beside it. */
function readBack(cancellation: Cancellation, cancellation_json: string): Cancellation | null {
  const { id, requestedAt } = cancellation;
  return cancellationOf({ cancellation_json, cancellation_id: id, cancellation_requested_at: requestedAt });
}

describe("the JSON of an execution's row", () => {
  it("gives back what was put in, whatever has happened", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (_before, _command, { execution }) => {
          if (execution === null) return;
          expect(specOf(specJsonOf(execution.spec))).toEqual(execution.spec);
          if (execution.cancellation !== null) {
            const { cancellation } = execution;
            expect(readBack(cancellation, cancellationJsonOf(cancellation))).toEqual(cancellation);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it("leaves out what most have in common", () => {
    expect(specJsonOf(specWith())).toBe('{"engine":"worker"}');
    expect(Object.keys(JSON.parse(cancellationJsonOf(cancelled())))).toEqual(["strategy", "forceAfter", "endedAt"]);
  });

  it("that was written in full by an earlier version says the same", () => {
    const spec = specWith({ labels: { team: "blue" }, callbackUrl: "https://example.com/ended" });
    const cancellation = { ...cancelled(), reason: "because", overdueReason: "no answer" };

    expect(specOf(JSON.stringify(spec))).toEqual(spec);
    expect(readBack(cancellation, JSON.stringify(cancellation))).toEqual(cancellation);
  });

  it("that was written before there were callbacks names none", () => {
    const { callbackUrl: _, ...spec } = specWith();

    expect(specOf(JSON.stringify(spec))).toEqual(specWith());
  });
});
