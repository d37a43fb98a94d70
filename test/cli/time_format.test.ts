import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { ageOf, localDateTime, localTime, spanBetween } from "../../src/cli/time_format.ts";

const noon = new Date(2026, 0, 5, 12, 3, 11, 25);

it("shows local times to the millisecond", () => {
  expect(localDateTime(timestampFromDate(noon))).toBe("2026-01-05 12:03:11.025");
});

it("leaves out the date of today", () => {
  expect(localTime(timestampFromDate(noon), new Date(2026, 0, 5, 23))).toBe("12:03:11.025");
  expect(localTime(timestampFromDate(noon), new Date(2026, 0, 6, 1))).toBe("2026-01-05 12:03:11.025");
});

it.each([
  [0, "0 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7199, "119 min"],
  [7200, "2 h"],
  [172_800, "2 d"],
  [-5, "0 s"],
])("rounds an age of %i seconds down to %s", (seconds, age) => {
  expect(ageOf(timestampFromDate(noon), new Date(noon.getTime() + seconds * 1000))).toBe(age);
});

it("shows spans in seconds to the millisecond", () => {
  expect(spanBetween(timestampFromMs(1_000), timestampFromMs(2_204))).toBe("1.204 s");
});
