import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { GROWTH_OPTION } from "../../src/cli/heap_room.ts";

it("asks for it with an option that this Node has: one that it does not know it passes over without a word", () => {
  expect(execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" })).toContain(`${GROWTH_OPTION} (`);
});
