import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const PROCESS = join(import.meta.dirname, "heap_room_process.ts");

function collectionsOfWholeHeap(...options: string[]): number {
  return Number(execFileSync(process.execPath, ["--expose-gc", PROCESS, ...options], { encoding: "utf8" }));
}

it("is collected as a whole when 24 MB of garbage have gathered, unless it is given room", () => {
  expect(collectionsOfWholeHeap()).toBeGreaterThan(0);
  expect(collectionsOfWholeHeap("room")).toBe(0);
});
