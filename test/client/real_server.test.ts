import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StopProof, Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { type Belay, CancellationError, createBelay } from "../../src/client/index.ts";
import { temporaryFolder } from "../cli/belay_command.ts";
import { startServer, type TestServer } from "../e2e/server.ts";

let server: TestServer;
let belay: Belay;

beforeAll(async () => {
  server = await startServer();
  belay = createBelay({ address: server.url });
});
afterAll(async () => {
  belay.close();
  await server.close();
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

const cancel = (processId: string, options: { strategy?: Strategy; forceAfterSeconds?: number } = {}) =>
  belay.cancellations.cancelProcess({ processId, reason: "runaway", requestedBy: { user: "ann" }, ...options });

async function executionOf(processId: string) {
  const { process } = await belay.executions.getProcess({ processId });
  return process!.execution!;
}

test("a run that is cancelled stops, and its stop is proven", async () => {
  const started = Promise.withResolvers<void>();
  const running = belay.run({ kind: "process", id: "c-1" }, async (signal) => {
    started.resolve();
    await aborted(signal);
    throw signal.reason;
  });
  const rejection = running.catch((reason: unknown) => reason);
  await started.promise;

  await cancel("c-1");

  const error = await rejection;
  expect(error).toBeInstanceOf(CancellationError);
  expect(error).toMatchObject({ message: "process 'c-1' was cancelled by ann: runaway" });
  expect(await executionOf("c-1")).toMatchObject({
    state: ExecutionState.CANCELLED,
    stopProof: StopProof.CONFIRMED,
  });
});

test("the result of a run and the error of another are kept", async () => {
  await belay.run({ kind: "process", id: "c-2" }, () => ({ rows: 7 }));
  await belay.run({ kind: "process", id: "c-3" }, () => Promise.reject(new Error("no disk"))).catch(() => {});

  expect(await executionOf("c-2")).toMatchObject({ state: ExecutionState.COMPLETED, result: { rows: 7 } });
  expect(await executionOf("c-3")).toMatchObject({
    state: ExecutionState.FAILED,
    error: { type: "Error", message: "no disk" },
  });
});

test("each kind can be run", async () => {
  const run = () => "done";

  await belay.run({ kind: "process_instance" }, run);
  await belay.run({ kind: "workflow_instance", detail: { workflowId: "w-1" } }, run);
  await belay.run({ kind: "assessment", detail: { entityId: "e-1" } }, run);
  await belay.run({ kind: "workflow_run", detail: { organizationId: "o-1" } }, run);

  const { workflowInstances } = await belay.executions.listWorkflowInstances({ workflowId: "w-1" });
  expect(workflowInstances).toMatchObject([{ execution: { result: { value: "done" } } }]);
});

test("a child process that does not obey is killed by the second signal", async () => {
  const started = Promise.withResolvers<void>();
  const running = belay.run({ kind: "process", id: "c-4" }, async (_, { terminateSignal }) => {
    const child = spawn("sh", ["-c", "trap '' TERM; echo ready; exec sleep 60"], {
      signal: terminateSignal,
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.on("error", () => {});
    await once(child.stdout, "data");
    started.resolve();
    const [, signal] = await once(child, "exit");
    return signal;
  });
  const rejected = expect(running).rejects.toThrow(CancellationError);
  await started.promise;

  await cancel("c-4", { strategy: Strategy.SOFT_THEN_FORCE, forceAfterSeconds: 0 });

  await rejected;
});

test("a result that a restarting server missed is recorded when it is back", async () => {
  const running = await belay.run({ kind: "process", id: "c-5" }, async () => {
    await server.kill();
    void server.restart();
    return "survived";
  });

  expect(running).toBe("survived");
  expect((await executionOf("c-5")).state).toBe(ExecutionState.COMPLETED);
});

test("a cancellation ends when a listener worker has done its job", async () => {
  const jobs: string[] = [];
  const listener = belay.serveListener("release", async (job) => {
    jobs.push(`${job.type} for ${job.execution?.id}`);
    if (jobs.length === 1) throw new Error("not yet");
  });
  const started = Promise.withResolvers<void>();
  const running = belay.run({ kind: "process_instance", id: "77", listeners: ["release"] }, async (signal) => {
    started.resolve();
    await aborted(signal);
  });
  const rejected = expect(running).rejects.toThrow(CancellationError);
  await started.promise;

  await belay.cancellations.cancelProcessInstance({ processInstanceKey: "77" });

  await rejected;
  await listener.stop();
  expect(jobs).toEqual(["release for 77", "release for 77"]);
});

test("a program ends by itself when its runs have ended", async () => {
  const program = join(temporaryFolder(), "program.ts");
  const library = resolve(import.meta.dirname, "../../src/client/index.ts");
  writeFileSync(
    program,
    `import { createBelay } from ${JSON.stringify(library)};
     const belay = createBelay();
     console.log(await belay.run({ kind: "process" }, () => "done"));`,
  );

  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, BELAY_ADDRESS: server.url },
  });

  expect(stdout).toBe("done\n");
});
