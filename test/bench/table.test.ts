import { expect, test } from "vitest";
import { decimal, percent, range, whole } from "../../bench/figures.ts";
import { markdownTable, textTable } from "../../bench/table.ts";
import { isReached, type Verdict, verdictTable } from "../../bench/verdict.ts";

const TABLE = {
  caption: "Fruit",
  columns: ["", "calls/s", "ms"],
  rows: [
    ["apple", "1,000", "2.00"],
    ["a|b", "9", ""],
  ],
};

test("a table for a terminal has its names to the left and its figures to the right", () => {
  expect(textTable(TABLE)).toBe(["Fruit", "       calls/s    ms", "apple    1,000  2.00", "a|b          9"].join("\n"));
});

test("a table for Markdown escapes what would end a cell", () => {
  expect(markdownTable(TABLE).split("\n")).toEqual([
    "Fruit:",
    "",
    "|  | calls/s | ms |",
    "|---|--:|--:|",
    "| apple | 1,000 | 2.00 |",
    "| a\\|b | 9 |  |",
  ]);
});

test("figures are as exact as they mean something", () => {
  expect([0.123, 1.005, 12.34, 123.4, 12_345.6].map(decimal)).toEqual(["0.12", "1.00", "12.3", "123", "12,346"]);
  expect(whole(12_345.6)).toBe("12,346");
  expect(percent(0.123)).toBe("12 %");
  expect(range({ median: 2, min: 1, max: 3 }, whole)).toBe("1–3");
  expect([whole, decimal, percent].map((format) => format(Number.NaN))).toEqual(["–", "–", "–"]);
});

const VERDICT: Verdict = {
  what: "cancels",
  figure: "90/s",
  baseline: "echo 100/s",
  value: 0.9,
  unit: "×",
  should: "be at least",
  bound: 1,
};

test("a target is reached at its bound, and not on the wrong side of it", () => {
  expect(isReached(VERDICT)).toBe(false);
  expect(isReached({ ...VERDICT, value: 1 })).toBe(true);
  expect(isReached({ ...VERDICT, should: "be at most" })).toBe(true);
  expect(isReached({ ...VERDICT, should: "be at most", value: 1.1 })).toBe(false);
});

test("what was not measured is not reached, whatever the target is", () => {
  expect(isReached({ ...VERDICT, value: Number.NaN })).toBe(false);
  expect(isReached({ ...VERDICT, value: Number.NaN, should: "be at most" })).toBe(false);
});

test("each target stands with its figure, its baseline, and whether it is reached", () => {
  expect(verdictTable([VERDICT]).rows).toEqual([["cancels", "90/s", "echo 100/s", "0.90 ×", "≥ 1.00 ×", "NO"]]);
});
