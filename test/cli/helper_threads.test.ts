import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, platform } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startServer, temporaryFolder } from "./belay_command.ts";

/** The names of a process's threads. */
function threadsOf(pid: number): string[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).map((thread) => readFileSync(join(tasks, thread, "comm"), "utf8").trim());
}

// Elsewhere nobody tells the names of threads.
it.runIf(platform() === "linux")(
  "on Linux, a server has helper threads of V8 on at most half of the processors",
  async () => {
    const { process: server } = await startServer(temporaryFolder());

    const helpers = threadsOf(server.pid ?? Number.NaN).filter((name) => name.includes("V8Worker"));

    expect(helpers).toHaveLength(Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2))));
  },
);
