import { expect, test } from "vitest";
import { parseOptions } from "../../bench/options.ts";
import { SECTION_NAMES } from "../../bench/section.ts";

test("without options every section is measured in five rounds", () => {
  expect(parseOptions([])).toEqual({ mode: "run", sections: SECTION_NAMES, rounds: 5, seconds: 2, isQuick: false });
});

test("a trial is one short round, unless more is asked for", () => {
  expect(parseOptions(["--quick"])).toMatchObject({ rounds: 1, seconds: 0.5, isQuick: true });
  expect(parseOptions(["--quick", "--rounds", "3"])).toMatchObject({ rounds: 3, seconds: 0.5 });
});

test("some sections are chosen by name, in the order in which they are measured, whichever dash they are written with", () => {
  expect(parseOptions(["--only", "cold-start, throughput"])).toMatchObject({ sections: ["throughput", "cold_start"] });
});

test("a section that is not known is refused, and the known ones are named", () => {
  expect(() => parseOptions(["--only", "throughput,speed"])).toThrow(
    '--only knows no "speed", but: throughput, latency, reads, signals, storm, scale, cold_start',
  );
});

test.each([
  [["--rounds", "0"], '--rounds must be a whole number from 1 to 100, not "0"'],
  [["--rounds", "2.5"], '--rounds must be a whole number from 1 to 100, not "2.5"'],
  [["--rounds", "many"], '--rounds must be a whole number from 1 to 100, not "many"'],
  [["--seconds", "0"], '--seconds must be 0.1 to 60, not "0"'],
  [["--seconds", "x"], '--seconds must be 0.1 to 60, not "x"'],
  [["results.json"], 'only --docs takes files, so not "results.json"'],
])("%s is refused with what would be right", (argv, message) => {
  expect(() => parseOptions(argv)).toThrow(message);
});

test("the docs are written from the files that are named", () => {
  expect(parseOptions(["--docs", "a.json", "b.json"])).toEqual({ mode: "docs", files: ["a.json", "b.json"] });
});

test("a profile is taken for as long as is asked for", () => {
  expect(parseOptions(["--profile", "--seconds", "5"])).toEqual({ mode: "profile", seconds: 5 });
});

test("help comes before everything else", () => {
  expect(parseOptions(["--help", "--docs"])).toEqual({ mode: "help" });
});
