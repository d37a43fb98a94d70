import { expect, test } from "vitest";
import { median, percentile, ratios, spread } from "../../bench/statistics.ts";

test("a percentile is the smallest value that so many are not above", () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 0.99)).toBe(198);
  expect(percentile(values, 1)).toBe(200);
  expect(percentile(values, 0)).toBe(1);
});

test("a percentile of few values is one of them", () => {
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([1, 2], 0.99)).toBe(2);
});

test("the median is the value in the middle, or between the two in the middle, in any order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("what was not measured is not a number", () => {
  expect(median([])).toBeNaN();
  expect(percentile([], 0.5)).toBeNaN();
  expect(spread([])).toEqual({ median: Number.NaN, min: Number.NaN, max: Number.NaN });
});

test("a spread has the lowest, the middle and the highest round", () => {
  expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
});

test("ratios compare each round with the same round of the baseline", () => {
  expect(ratios([10, 30], [5, 60])).toEqual([2, 0.5]);
  expect(ratios([10, 30], [5])[1]).toBeNaN();
});
