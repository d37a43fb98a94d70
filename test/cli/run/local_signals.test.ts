import { expect, onTestFinished, test } from "vitest";
import { ExecutionState } from "../../../gen/belay/v1/execution_pb.ts";
import { isAlive, runFixture } from "./run_fixture.ts";

const fixture = runFixture();
/** One process: a shell may lose a SIGINT that comes while it starts another. */
const OBEYS = ["sh", "-c", "echo ready; exec sleep 60"];
/** Ignores SIGINT, and so does its child. */
const IGNORES = ["sh", "-c", "trap '' INT; sh -c 'echo child $$; sleep 60; true' & wait"];

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("%s is passed on to the command, which is recorded as interrupted", async (signal, exitCode) => {
  const run = fixture.run([], OBEYS);
  await run.prints(/ready/);

  run.process.kill(signal);

  expect(await run.ended).toBe(exitCode);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({
    state: ExecutionState.FAILED,
    error: {
      type: "interrupted",
      message: `belay run received ${signal} and stopped the command: killed by ${signal}`,
    },
  });
});

test("a command that ends well when it is interrupted is recorded as completed", async () => {
  const run = fixture.run([], ["sh", "-c", "trap 'exit 0' INT; echo ready; while :; do sleep 0.01; done"]);
  await run.prints(/ready/);

  run.process.kill("SIGINT");

  expect(await run.ended).toBe(0);
  expect((await fixture.process(run.id)).execution?.state).toBe(ExecutionState.COMPLETED);
});

test("a second signal kills a command that ignores the first", async () => {
  const run = fixture.run([], IGNORES);
  const [, child] = await run.prints(/child (\d+)/);
  run.process.kill("SIGINT");
  await run.prints(/SIGINT: passed on/);
  expect(isAlive(Number(child))).toBe(true);

  // Repeats that come too soon count as the same signal.
  const again = setInterval(() => run.process.kill("SIGINT"), 100);
  onTestFinished(() => clearInterval(again));

  expect(await run.ended).toBe(137);
  expect(isAlive(Number(child))).toBe(false);
});

test("a signal that comes twice at once, as npm sends it, does not kill", async () => {
  const run = fixture.run([], ["sh", "-c", "trap 'sleep 0.2; exit 0' INT; echo ready; while :; do sleep 0.01; done"]);
  await run.prints(/ready/);

  run.process.kill("SIGINT");
  run.process.kill("SIGINT");
  await run.prints(/SIGINT: passed on/);
  run.process.kill("SIGINT");

  expect(await run.ended).toBe(0);
});

test("signals with a meaning of the command's own are passed on", async () => {
  const run = fixture.run(
    [],
    ["sh", "-c", "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.01; done"],
  );
  await run.prints(/ready/);

  run.process.kill("SIGUSR1");

  expect(await run.ended).toBe(5);
  expect(run.output()).toContain("got it");
});

test("the run is not suspended, so that its command can still be stopped", async () => {
  const run = fixture.run([], ["sh", "-c", "echo ready; sleep 60; true"]);
  await run.prints(/ready/);

  run.process.kill("SIGTSTP");
  await run.prints(/belay: not suspended/);

  await fixture.cancel(run.id);
  expect(await run.ended).toBe(143);
});
