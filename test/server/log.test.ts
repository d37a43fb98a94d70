import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";

/** What is written by a program that logs these lines, and then never gives anything else a turn. */
async function writtenBy(lines: string): Promise<string> {
  const program = `
    import { openLog } from "./src/server/log.ts";
    const log = openLog("info");
    ${lines}
    for (;;);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: resolve(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [written] = await once(child.stdout, "data");
  return String(written);
}

it("an error is written at once, with what was logged before it", async () => {
  const written = await writtenBy('log.info("before"); log.error("it broke");');
  expect(
    written
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).msg),
  ).toEqual(["before", "it broke"]);
});
