import { describe, expect, it } from "vitest";
import { RANKS, type Rank } from "../../src/rpc/rank.ts";
import { createRankLimits, type RankLimits } from "../../src/server/admission_limits.ts";
import type { LoopLoad } from "../../src/server/loop_load.ts";

/** Far more than any limit lets in. */
const CROWD = 10_000;

/** How many of a crowd of calls that come at the same time are let in. They are answered then. */
function letIn(limits: RankLimits, rank: Rank, calls: number = CROWD): number {
  const entered = Array.from({ length: calls }, () => limits.enter(rank)).filter((leave) => leave !== null);
  for (const leave of entered) leave();
  return entered.length;
}

const IDLE: LoopLoad = { delay: 0, busy: 0 };

/** That of a server on which calls had to queue for `delay`. */
function queue(delay: number): LoopLoad {
  return { delay, busy: 1 };
}

/** So many turns with a crowd of every rank. */
function overload(limits: RankLimits, turns: number, load: LoopLoad): void {
  for (let turn = 0; turn < turns; turn += 1) {
    for (const rank of RANKS) letIn(limits, rank);
    limits.adapt(load);
  }
}

/** The ranks whose limits are lower than those of a server that has nothing to do. */
function cutRanks(limits: RankLimits): Rank[] {
  const idle = createRankLimits();
  return RANKS.filter((rank) => limits.limitOf(rank) < idle.limitOf(rank));
}

describe("while nothing queues", () => {
  it.each(RANKS)("calls of rank %s are let in up to its limit at once", (rank) => {
    const limits = createRankLimits();
    const open = Array.from({ length: CROWD }, () => limits.enter(rank)).filter((leave) => leave !== null);

    expect(open).toHaveLength(limits.limitOf(rank));
    open[0]?.();
    expect(limits.enter(rank)).not.toBeNull();
    expect(limits.enter(rank)).toBeNull();
  });

  it("a call that is said to be answered twice gives one place back", () => {
    const limits = createRankLimits();
    const [first] = Array.from({ length: CROWD }, () => limits.enter("list"));

    first?.();
    first?.();
    expect(limits.enter("list")).not.toBeNull();
    expect(limits.enter("list")).toBeNull();
  });

  it("a lower rank has a smaller share", () => {
    const limits = createRankLimits();
    const shares = RANKS.map((rank) => limits.limitOf(rank));
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  });

  it("a call that waits for something else gives its place to others", () => {
    const limits = createRankLimits();
    const waiting = Array.from({ length: CROWD }, () => limits.enter("critical")).filter((leave) => leave !== null);
    expect(limits.enter("critical")).toBeNull();

    for (let turn = 0; turn < 25; turn += 1) limits.adapt(IDLE);

    const entered = Array.from({ length: CROWD }, () => limits.enter("critical")).filter((leave) => leave !== null);
    expect(entered).toHaveLength(waiting.length);
    // That the first ones are answered now makes no more room.
    for (const leave of waiting) leave();
    expect(limits.enter("critical")).toBeNull();
  });
});

describe("when calls queue", () => {
  it.each<[number, readonly Rank[]]>([
    [4, ["list"]],
    [20, ["read", "list"]],
    [600, ["write", "read", "list"]],
    [2_000, ["critical", "write", "read", "list"]],
  ])("for %d ms, the ranks that give way are %j", (delay, ranks) => {
    const limits = createRankLimits();
    overload(limits, 20, { delay, busy: 0.5 });
    expect(cutRanks(limits)).toEqual(ranks);
  });

  it("for very long, cancels are still let in by the hundred, and lists hardly", () => {
    const limits = createRankLimits();
    overload(limits, 50, queue(5_000));
    expect(letIn(limits, "critical")).toBeGreaterThanOrEqual(500);
    expect(letIn(limits, "list")).toBeLessThan(10);
  });

  it("a rank without calls keeps its limit: it is not what the others wait for", () => {
    const limits = createRankLimits();
    for (let turn = 0; turn < 20; turn += 1) {
      letIn(limits, "critical");
      limits.adapt(queue(300));
    }
    expect(cutRanks(limits)).toEqual([]);
  });

  it("but only few at once, none is refused: it is not them that the server is busy with", () => {
    const limits = createRankLimits();
    for (let turn = 0; turn < 50; turn += 1) {
      // One after the other, and some together.
      for (let call = 0; call < 20; call += 1) expect(letIn(limits, "list", 1)).toBe(1);
      expect(letIn(limits, "list", 15)).toBe(15);
      limits.adapt(queue(500));
    }
    expect(cutRanks(limits)).toEqual([]);
  });

  it("the longer they do, the more is refused at once", () => {
    const short = createRankLimits();
    const long = createRankLimits();
    overload(short, 1, { delay: 3, busy: 0.5 });
    overload(long, 1, { delay: 50, busy: 0.5 });
    expect(long.limitOf("list")).toBeLessThan(short.limitOf("list"));
  });
});

describe("when the server is at work", () => {
  it.each<[number, readonly Rank[]]>([
    [0, []],
    [0.7, []],
    [0.8, ["list"]],
    [0.9, ["read", "list"]],
    [1, ["read", "list"]],
  ])("for %d of its time, and no call queues, the ranks that give way are %j", (busy, ranks) => {
    const limits = createRankLimits();
    overload(limits, 20, { delay: 0, busy });
    expect(cutRanks(limits)).toEqual(ranks);
  });

  it("all the time, a list is still let in now and then", () => {
    const limits = createRankLimits();
    for (let turn = 0; turn < 50; turn += 1) {
      expect(letIn(limits, "list")).toBeGreaterThanOrEqual(1);
      limits.adapt(queue(5_000));
    }
  });
});

it("lets all in again within seconds when calls queue no longer", () => {
  const limits = createRankLimits();
  overload(limits, 100, queue(5_000));
  let turns = 0;
  for (; cutRanks(limits).length > 0; turns += 1) limits.adapt(IDLE);
  // Fifty a second.
  expect(turns).toBeLessThan(150);
});
