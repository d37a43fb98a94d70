/** How many heartbeats are remembered, and for how long. */
import { expect, it } from "vitest";
import type { Execution } from "../../src/domain/execution.ts";
import { HeardLeases } from "../../src/service/heard_leases.ts";
import type { Applied } from "../../src/store/store.ts";
import { runningWorld } from "../domain/executions.ts";

/** Running work with a lease that was taken at `now`. */
function runningAt(now: number, id: string): Execution {
  const execution = runningWorld("process").execution!;
  const lease = { workerId: "w-1", token: 1, duration: 1_000, expiresAt: now + 1_000, expired: false };
  return { ...execution, key: { ...execution.key, id }, lease };
}

function applied(execution: Execution): Applied {
  return {
    reply: { accepted: true, disposition: "applied" },
    execution,
    events: [],
    effects: [],
    replay: null,
    upToSequence: null,
  };
}

const first = runningAt(0, "first");
const second = runningAt(0, "second");

it("has heartbeats written that it has no room for", () => {
  const heard = new HeardLeases(1);

  const answers = [heard.hear(first, 1, 10), heard.hear(second, 1, 10), heard.hear(first, 1, 20)];

  expect(answers.map((execution) => execution?.lease?.expiresAt)).toEqual([1_010, undefined, 1_020]);
});

it.each([
  ["is written", { lease: { ...first.lease!, expiresAt: 1_010 } }, true],
  ["is of an earlier lease", { lease: { ...first.lease!, token: 2 } }, true],
  ["is of work that has ended", { state: "completed" }, true],
  ["is not written yet", {}, false],
  ["is newer than the repeated answer to an earlier command", { lease: null }, false],
] as const)("forgets a heartbeat only if it matters no more: one that %s", (_, change, isForgotten) => {
  const heard = new HeardLeases(1);
  heard.hear(first, 1, 10);

  heard.settle(applied({ ...first, ...change }));

  expect(heard.knows(first)).toBe(!isForgotten);
  expect(heard.hear(second, 1, 10) !== null).toBe(isForgotten);
});

it("makes room by forgetting what is so old that the lease may have ended since", () => {
  const heard = new HeardLeases(1);
  heard.hear(first, 1, 10);

  const early = heard.hear(runningAt(1_009, "second"), 1, 1_009);
  const late = heard.hear(runningAt(1_010, "second"), 1, 1_010);

  expect(early).toBeNull();
  expect(late).not.toBeNull();
  expect(heard.knows(first)).toBe(false);
});

it("gives commands the heartbeats that they must count, and no others", () => {
  const heard = new HeardLeases(10);
  heard.hear(first, 1, 10);
  const envelopes = [first, second].map(({ key }) => ({
    key,
    command: { type: "lease_due", token: 1 } as const,
    idempotency: null,
    effectId: null,
    audit: null,
  }));

  const told = heard.tell(envelopes);

  expect(told).toEqual([{ ...envelopes[0], heard: { token: 1, at: 10 } }, envelopes[1]]);
});
