import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Cancellation,
  isStronger,
  OUTCOMES,
  STAGES,
  STOP_PROOFS,
  TERMINATIONS,
} from "../../src/domain/cancellation.ts";
import { decide } from "../../src/domain/decide.ts";
import { type Execution, isTerminal, STATES } from "../../src/domain/execution.ts";
import { NO_FACTS } from "./executions.ts";
import { history, play } from "./histories.ts";
import { settle } from "./outside.ts";

describe("decide, over random histories of commands", () => {
  it("meets every state, stage, proof and outcome: the histories reach far enough to prove something", () => {
    const met = new Set<string>();
    for (const given of fc.sample(history, { numRuns: 5_000, seed: 1 })) {
      play(given, (_before, _command, { execution }) => {
        const { stage, proof, outcome, termination } = execution?.cancellation ?? {};
        for (const seen of [execution?.state, stage, proof, outcome, termination]) if (seen) met.add(seen);
      });
    }
    expect([...met].sort()).toEqual(
      [...new Set([...STATES, ...STAGES, ...STOP_PROOFS, ...OUTCOMES, ...TERMINATIONS])].sort(),
    );
  });

  it("never leaves a terminal state, and never changes how it ended", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (before, _command, { execution }) => {
          if (before === null || !isTerminal(before.state)) return;
          expect(execution?.state).toBe(before.state);
          expect(execution?.endedAt).toBe(before.endedAt);
          expect(execution?.result).toEqual(before.result);
          expect(execution?.error).toEqual(before.error);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("gives a cancellation at most one outcome, and the execution at most one end", () => {
    fc.assert(
      fc.property(history, (given) => {
        const world = play(given, (before, _command, { execution }) => {
          const [was, is] = [before?.cancellation, execution?.cancellation];
          if (was?.stage !== "ended" || is?.id !== was.id) return;
          expect(is.stage).toBe("ended");
          expect(is.outcome).toBe(was.outcome);
          expect(is.endedAt).toBe(was.endedAt);
        });
        const ends = world.events.filter((event) => event.type === "cancellation_ended");
        expect(new Set(ends.map((event) => event.cancellationId)).size).toBe(ends.length);
        expect(world.events.filter(({ type }) => type === "completed" || type === "failed").length).toBeLessThanOrEqual(
          1,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("owes the callback once, from the end of an execution that was registered with one", () => {
    fc.assert(
      fc.property(history, (given) => {
        const { execution, effects } = play(given, () => undefined);
        const owed = effects.filter(({ type }) => type === "callback");
        const isOwed = execution !== null && execution.spec.callbackUrl !== null && isTerminal(execution.state);
        expect(owed).toEqual(isOwed ? [{ type: "callback", dueAt: execution.endedAt }] : []);
      }),
      { numRuns: 2_000 },
    );
  });

  it("never lets a stale token win", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (before, command, { execution }, accepted) => {
          if (before === null || execution === null) return;
          if (command.type !== "complete" && command.type !== "fail") return;
          const isFresh =
            command.token === before.token && (before.lease === null || before.lease.token === before.token);
          if (isFresh) return;
          expect(execution.state).toBe(before.state);
          expect(accepted).toBe(false);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("never takes a result once a cancel was accepted, unless the engine refused the cancel for good", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (before, command, { execution }) => {
          if (before?.state !== "cancelling" && before?.state !== "cancelled") return;
          if (command.type !== "complete" && command.type !== "fail") return;
          expect(execution?.state).toBe(before.state);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("never weakens a strategy, and never takes back a proof", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (before, _command, { execution }) => {
          const [was, is] = [before?.cancellation, execution?.cancellation];
          if (!was || is?.id !== was.id) return;
          expect(isStronger(was.strategy, is.strategy)).toBe(false);
          if (was.proof === "confirmed") expect(is.proof).toBe("confirmed");
          if (was.proof === "lost") expect(["lost", "confirmed"]).toContain(is.proof);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps its own rules: a state and its times, lease and cancellation fit together", () => {
    fc.assert(
      fc.property(history, (given) => {
        play(given, (_before, _command, { execution, now }) => {
          if (execution === null) return;
          checkExecution(execution);
          if (execution.cancellation !== null) checkCancellation(execution, execution.cancellation, now);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes nothing when a command is replayed at once, but for joining, taking and extending", () => {
    const repeatable = new Set([
      "cancel",
      "activate_listener_job",
      "heartbeat",
      "start",
      "verified",
      "signal_failed",
      "complete",
      "fail",
      "callback_settled",
    ]);
    fc.assert(
      fc.property(history, (given) => {
        play(given, (_before, command, world) => {
          const again = decide(world.key, world.execution, command, world.now, world.facts);
          if (repeatable.has(command.type) || again.reply.accepted === false) {
            expect(again.execution?.state).toBe(world.execution?.state);
            return;
          }
          if (command.type === "children_due" || command.type === "children_changed") return;
          expect(again.execution).toEqual(world.execution);
          expect(again.events).toEqual([]);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it("ends every cancellation once its effects are carried out, its worker reports or its lease runs out, and its listeners complete", () => {
    fc.assert(
      fc.property(history, fc.boolean(), (given, workerReports) => {
        const world = play(given, () => undefined);
        world.facts = NO_FACTS;
        settle(world, workerReports);
        const { cancellation } = world.execution ?? {};
        if (!cancellation) return;
        expect(cancellation.stage).toBe("ended");
        expect(cancellation.proof).not.toBe("pending");
      }),
      { numRuns: 2_000 },
    );
  });
});

function checkExecution(execution: Execution): void {
  expect(execution.endedAt !== null).toBe(isTerminal(execution.state));
  if (execution.lease !== null) expect(execution.lease.token).toBeLessThanOrEqual(execution.token);
  if (execution.state === "pending") expect(execution.lease).toBeNull();
  if (execution.state === "cancelling") expect(execution.cancellation?.outcome).toBe("pending");
}

function checkCancellation(execution: Execution, cancellation: Cancellation, now: number): void {
  expect(cancellation.outcome === "pending").toBe(cancellation.stage !== "ended");
  expect(cancellation.listenerJob !== null).toBe(cancellation.stage === "listeners");
  expect(cancellation.requestedAt).toBeLessThanOrEqual(now);
  if (cancellation.outcome !== "cancelled") return;
  expect(execution.state).toBe("cancelled");
  expect(cancellation.proof).not.toBe("pending");
  expect(execution.queueItems.some(({ state }) => state === "pending")).toBe(false);
}
