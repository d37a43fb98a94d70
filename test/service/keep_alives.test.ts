import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KeepAlives } from "../../src/service/keep_alives.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("keep-alives", () => {
  it("call each function once in the time, counted from when it came", () => {
    const keepAlives = new KeepAlives(10_000);
    const calls: string[] = [];
    keepAlives.add(() => calls.push("first"));
    vi.advanceTimersByTime(4_000);
    keepAlives.add(() => calls.push("second"));

    vi.advanceTimersByTime(5_900);
    const before = [...calls];
    vi.advanceTimersByTime(100);
    const then = [...calls];
    vi.advanceTimersByTime(4_000);

    expect(before).toEqual([]);
    expect(then).toEqual(["first"]);
    expect(calls).toEqual(["first", "second"]);
  });

  it("call a function no more that was taken away, and need no timer when none is left", () => {
    const keepAlives = new KeepAlives(10_000);
    const called = vi.fn();
    const stays = vi.fn();
    const takeAway = keepAlives.add(called);
    const takeOther = keepAlives.add(stays);

    takeAway();
    takeAway();
    vi.advanceTimersByTime(30_000);
    takeOther();

    expect(called).not.toHaveBeenCalled();
    expect(stays).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});
