import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { StopProof } from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { temporaryFolder } from "../cli/belay_command.ts";
import { runFixture } from "../cli/run/run_fixture.ts";

const DOCUMENT = resolve(import.meta.dirname, "../../docs/worker-protocol.md");
const fixture = runFixture();

/** Runs the worker that docs/worker-protocol.md shows. */
function startWorker(id: string, command: readonly string[]) {
  const [, script] = /```sh\n(.*?)```/s.exec(readFileSync(DOCUMENT, "utf8"))!;
  const file = join(temporaryFolder(), "worker.sh");
  writeFileSync(file, script!);
  const child = spawn("sh", [file, id, ...command], {
    env: { ...process.env, BELAY_ADDRESS: fixture.server.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { output: text(child.stdout), stdout: child.stdout };
}

const onLinux = test.runIf(process.platform === "linux");

onLinux("the documented worker records how its command ended", async () => {
  await startWorker("d-1", ["true"]).output;
  await startWorker("d-2", ["sh", "-c", "exit 3"]).output;

  expect((await fixture.process("d-1")).execution?.state).toBe(ExecutionState.COMPLETED);
  expect((await fixture.process("d-2")).execution).toMatchObject({
    state: ExecutionState.FAILED,
    error: { message: "exit code 3" },
  });
});

onLinux("the documented worker obeys a stop, and a terminate when its command does not", async () => {
  const worker = startWorker("d-3", ["sh", "-c", "trap '' TERM; echo ready; sleep 60; true"]);
  await new Promise((ready) => worker.stdout.once("data", ready));

  const timeline = await fixture.cancel("d-3", { forceAfterSeconds: 2 });

  await worker.output;
  expect(timeline).toContain("the terminate was delivered");
  expect((await fixture.process("d-3")).execution?.stopProof).toBe(StopProof.CONFIRMED);
});
