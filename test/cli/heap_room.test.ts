import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { GROWTH_OPTION, MARKERS_OPTION, YOUNG_OPTION } from "../../src/cli/heap_room.ts";

// As V8 lists them: one that can be turned off by the name that turns it on.
const NAMES = [GROWTH_OPTION, MARKERS_OPTION, YOUNG_OPTION.replace("--no-", "--")];

it.each(NAMES)(
  "asks with %s, an option that this Node has: one that it does not know it passes over without a word",
  (name) => {
    expect(execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" })).toContain(`${name} (`);
  },
);
