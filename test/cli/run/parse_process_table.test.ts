import { expect, test } from "vitest";
import { parseStat } from "../../../src/cli/run/process_table_linux.ts";
import { parsePsLine, psProcessTable } from "../../../src/cli/run/process_table_ps.ts";
import { systemProcessTable } from "../../../src/cli/run/system_process_table.ts";

test("reads a line of /proc/PID/stat", () => {
  const line = "4242 (sh) S 17 4240 4239 34816 4200 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 2600960 227";

  expect(parseStat(line)).toEqual({
    pid: 4242,
    parent: 17,
    group: 4240,
    session: 4239,
    foregroundGroup: 4200,
    isZombie: false,
    startTime: "987654",
  });
});

test("is not fooled by a program whose name looks like the fields after it", () => {
  const line = "7 (a) Z 1 2 (b) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 55 0 0";

  expect(parseStat(line)).toMatchObject({ pid: 7, parent: 1, group: 7, session: 7, isZombie: false, startTime: "55" });
});

test("tells a zombie from a living process", () => {
  const line = "9 (sh) Z 1 9 9 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 55 0 0";

  expect(parseStat(line).isZombie).toBe(true);
});

test("refuses a line that is no process", () => {
  expect(() => parseStat("12 (sh")).toThrow("no line of /proc/PID/stat");
  expect(() => parsePsLine("12 1")).toThrow("no line of ps");
});

test("reads a line of ps", () => {
  expect(parsePsLine("  501     1   501     0 Ss   Mon Nov 17 09:08:07 2025    ")).toEqual({
    pid: 501,
    parent: 1,
    group: 501,
    session: null,
    foregroundGroup: 0,
    isZombie: false,
    startTime: "Mon Nov 17 09:08:07 2025",
  });
});

test.each([
  ["the system's table", systemProcessTable()],
  ["ps", psProcessTable()],
])("%s shows this very process", (_, table) => {
  const self = table.read().find(({ pid }) => pid === process.pid);

  expect(self).toMatchObject({ parent: process.ppid, isZombie: false });
});
