import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { membersOf } from "../../scripts/demo/process_table.ts";

const DEMO = resolve(import.meta.dirname, "../../scripts/demo.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-demo-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the demo, which makes its files in `folder`. */
function startDemo(): { readonly demo: ChildProcessByStdio<null, Readable, Readable>; output(): string } {
  const demo = spawn(process.execPath, [DEMO], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: folder, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return { demo, output: () => output };
}

function groupsIn(output: string): number[] {
  return Array.from(output.matchAll(/process group (\d+):/g), ([, group]) => Number(group));
}

describe("the demo", () => {
  it("stops two commands, races the third, and proves that nothing is left", { timeout: 60_000 }, async () => {
    const { demo, output } = startDemo();

    const [exitCode] = await once(demo, "close");

    expect(output()).toMatch(/obedient +cancelled, stop confirmed; asking was enough/);
    expect(output()).toMatch(/stubborn +cancelled, stop confirmed; terminated once, after 1 s/);
    expect(output()).toMatch(/racer +(it finished first: completed|the cancel came first: cancelled)/);
    expect(exitCode).toBe(0);
    expect(groupsIn(output()).flatMap(membersOf)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves neither processes nor files when it is interrupted", { timeout: 60_000 }, async () => {
    const { demo, output } = startDemo();
    for await (const _ of demo.stdout) {
      if (output().includes("Cancel them")) break;
    }

    demo.kill("SIGINT");
    const [exitCode] = await once(demo, "exit");

    expect(exitCode).toBe(130);
    const groups = new Set(groupsIn(output()));
    expect(groups.size).toBe(3);
    // They were killed; the system takes a moment to bury them.
    await expect.poll(() => [...groups].flatMap(membersOf)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
