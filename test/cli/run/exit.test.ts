import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { ExecutionState } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { belay, temporaryFolder } from "../belay_command.ts";
import { isAlive, runFixture } from "./run_fixture.ts";

const MAIN = resolve(import.meta.dirname, "../../../src/cli/main.ts");
const fixture = runFixture();

test("a command that ends well is recorded as completed", async () => {
  const run = fixture.run([], ["sh", "-c", "echo out; echo err >&2"]);

  expect(await run.ended).toBe(0);
  expect(run.output()).toMatch(/^(out\nerr\n|err\nout\n)$/);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({ state: ExecutionState.COMPLETED, result: { exit_code: 0 } });
});

test("the exit code of a command that fails is passed through and recorded", async () => {
  const run = fixture.run([], ["sh", "-c", "exit 3"]);

  expect(await run.ended).toBe(3);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({
    state: ExecutionState.FAILED,
    error: { type: "exit_code", message: "exit code 3", details: { exit_code: 3 } },
  });
});

test("a command that a signal ends gives 128 and the number of the signal", async () => {
  const run = fixture.run([], ["sh", "-c", "kill -KILL $$"]);

  expect(await run.ended).toBe(137);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({
    state: ExecutionState.FAILED,
    error: { type: "signal", message: "killed by SIGKILL", details: { signal: "SIGKILL", exit_code: 137 } },
  });
});

test("a command that is not found gives 127 and is recorded as failed", async () => {
  const run = fixture.run([], ["no-such-command"]);

  expect(await run.ended).toBe(127);
  expect(run.output()).toBe("belay: no-such-command: command not found\n");
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({ state: ExecutionState.FAILED, error: { type: "command_not_found" } });
});

test("a command that can't be executed gives 126 and is recorded as failed", async () => {
  const file = join(temporaryFolder(), "data");
  writeFileSync(file, "no program", { mode: 0o644 });
  const run = fixture.run([], [file]);

  expect(await run.ended).toBe(126);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({ state: ExecutionState.FAILED, error: { type: "command_not_executable" } });
});

test("without a server the command is not started, and the message says what to do", async () => {
  const file = join(temporaryFolder(), "started");

  const { exitCode, stderr } = await belay(["run", "--address", "http://127.0.0.1:1", "--", "touch", file]);

  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/^belay: not started: cannot reach http:\/\/127.0.0.1:1 .*belay serve/);
  expect(existsSync(file)).toBe(false);
});

test("an execution that was cancelled before it started is not started", async () => {
  const { executions } = fixture.belay;
  const { execution } = await executions.registerExecution({ kind: Kind.PROCESS });
  const { id } = execution!.ref!;
  await fixture.cancel(id);

  const { exitCode, stdout, stderr } = await belay([
    ...["run", "--registered", "--id", id, "--address", fixture.server.url],
    ...["--", "echo", "started"],
  ]);

  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
  expect(stderr).toBe(`belay: not started: process '${id}' was cancelled by incident-bot: runaway\n`);
});

test("an execution that somebody else registered is started", async () => {
  const { execution } = await fixture.belay.executions.registerExecution({ kind: Kind.PROCESS });
  const { id } = execution!.ref!;

  const { exitCode } = await belay(["run", "--registered", "--id", id, "--address", fixture.server.url, "--", "true"]);

  expect(exitCode).toBe(0);
  expect((await fixture.process(id)).execution?.state).toBe(ExecutionState.COMPLETED);
});

test("registers kind, labels, listeners, parent and detail", async () => {
  const { execution } = await fixture.belay.executions.registerExecution({ kind: Kind.WORKFLOW_RUN });
  const { id } = execution!.ref!;
  const run = fixture.run(
    [
      ...["--label", "team=data", "--label", "stage=2=b", "--listener", "a", "--listener", "b"],
      ...["--parent", `workflow-run/${id}`, "--detail", '{"processType": "import"}', "--lease", "30"],
    ],
    ["true"],
  );

  expect(await run.ended).toBe(0);
  expect(await fixture.process(run.id)).toMatchObject({
    detail: { processType: "import" },
    execution: {
      labels: { team: "data", stage: "2=b" },
      listeners: [{ type: "a" }, { type: "b" }],
      parent: { kind: Kind.WORKFLOW_RUN, id },
    },
  });
});

test.each([
  [["--kind", "job"], /Kinds are process,/],
  [["--label", "team"], /name and value/],
  [["--parent", "p-1"], /kind and id/],
  [["--lease", "0"], /whole number from 1 to 3600/],
  [["--detail", "{"], /--detail is no belay\.v1\.ProcessDetail|--detail is no ProcessDetail/],
  [["--kind", "workflow-instance"], /needs --detail/],
  [["--quiet", "--verbose"], /cannot be used with/],
])("refuses %j", async (options, message) => {
  const { exitCode, stderr } = await belay(["run", ...options, "--", "true"]);

  expect(exitCode).toBe(2);
  expect(stderr).toMatch(message);
});

test("the command knows under which name it runs, and where Belay is", async () => {
  const run = fixture.run([], ["sh", "-c", 'echo "$BELAY_EXECUTION $BELAY_ADDRESS"']);

  await run.ended;

  expect(run.output()).toBe(`process/${run.id} ${fixture.server.url}\n`);
});

test("a quiet run says nothing, a verbose one says what goes on", async () => {
  const quiet = fixture.run(["--quiet"], ["true"]);
  const verbose = fixture.run(["--verbose"], ["true"]);

  await Promise.all([quiet.ended, verbose.ended]);

  expect(quiet.output()).toBe("");
  expect(verbose.output()).toMatch(/^(belay: .*\n)+$/);
  expect(verbose.output()).toContain("belay: recorded as completed\n");
});

test("what the command leaves behind is stopped before it counts as ended", async () => {
  const run = fixture.run([], ["sh", "-c", "sleep 60 & echo pid $!"]);
  const [, pid] = await run.prints(/pid (\d+)/);

  expect(await run.ended).toBe(0);

  expect(isAlive(Number(pid))).toBe(false);
  expect(run.output()).toContain("belay: the command has ended; stopping 1 process that it left\n");
  expect((await fixture.process(run.id)).execution?.state).toBe(ExecutionState.COMPLETED);
});

test("input and output pass through unharmed, also when the reader is slow", async () => {
  const size = 1_000_000;
  const child = spawn(process.execPath, [MAIN, "run", "--address", fixture.server.url, "--", "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end("x".repeat(size));
  await once(child.stdout, "readable");

  const output = await text(child.stdout);

  expect(output.length).toBe(size);
  expect(child.exitCode ?? (await once(child, "exit"))[0]).toBe(0);
});
