import { expect, test } from "vitest";
import { StopProof, TerminationStatus } from "../../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../../gen/belay/v1/execution_pb.ts";
import { isAlive, type Run, runFixture } from "./run_fixture.ts";

const fixture = runFixture();

/** The command obeys SIGTERM once it has printed this. */
const OBEYS = ["sh", "-c", "echo ready; sleep 60; true"];
/** Ignores SIGTERM, and so does its child. Prints the pids of both. */
const IGNORES = [
  "sh",
  "-c",
  "trap '' TERM; sh -c 'trap \"\" TERM; echo child $$; sleep 60; true' & echo leader $$; wait",
];
/** Ends on SIGTERM, and leaves a child that ignores it. */
const LEAVES_CHILD = ["sh", "-c", "sh -c 'trap \"\" TERM; echo child $$; sleep 60; true' & wait"];

async function pidOf(run: Run, name: string): Promise<number> {
  const [, pid] = await run.prints(new RegExp(`${name} (\\d+)`));
  return Number(pid);
}

test("a command that obeys SIGTERM is cancelled without force, and its stop is proven", async () => {
  const run = fixture.run([], OBEYS);
  await run.prints(/ready/);

  const timeline = await fixture.cancel(run.id);

  expect(await run.ended).toBe(143);
  expect(run.output()).toMatch(/belay: cancelled by incident-bot \(runaway\): SIGTERM to process group \d+\n/);
  // On a busy machine the command may run before its worker has attached, and then the timeline tells of that too.
  const told = timeline.filter((message) => !/^(asking|could not be delivered yet)/.test(message));
  expect(told).toEqual([
    "cancellation requested (soft_then_force): runaway",
    "the stop request was delivered",
    expect.stringMatching(/^the work has stopped: killed by SIGTERM, no process of group \d+ is left$/),
    "cancellation ended: cancelled (stop proof: confirmed)",
  ]);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({ state: ExecutionState.CANCELLED, stopProof: StopProof.CONFIRMED });
});

test("a command and a child that ignore SIGTERM are killed when their time has passed", async () => {
  const run = fixture.run([], IGNORES);
  const pids = [await pidOf(run, "leader"), await pidOf(run, "child")];

  const timeline = await fixture.cancel(run.id, { forceAfterSeconds: 1 });

  expect(pids.filter(isAlive)).toEqual([]);
  expect(await run.ended).toBe(137);
  expect(timeline).toContain("terminating (the time to stop by itself has passed)");
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({
    state: ExecutionState.CANCELLED,
    stopProof: StopProof.CONFIRMED,
    cancellation: { termination: TerminationStatus.ISSUED },
  });
});

test("strategy hard kills at once", async () => {
  const run = fixture.run([], IGNORES);
  await pidOf(run, "child");

  const timeline = await fixture.cancel(run.id, { hard: true });

  expect(await run.ended).toBe(137);
  expect(timeline.join("\n")).not.toContain("asking");
  expect(run.output()).toMatch(/terminated by incident-bot \(runaway\): SIGKILL to process group/);
});

test("the stop is not proven while a child lives, though the command itself has ended", async () => {
  const run = fixture.run([], LEAVES_CHILD);
  const child = await pidOf(run, "child");

  const timeline = await fixture.cancel(run.id, { forceAfterSeconds: 1 });

  expect(isAlive(child)).toBe(false);
  expect(await run.ended).toBe(143);
  const proof = timeline.findIndex((message) => message.startsWith("the work has stopped"));
  const terminate = timeline.findIndex((message) => message.startsWith("terminating"));
  expect(terminate).toBeGreaterThan(0);
  expect(proof).toBeGreaterThan(terminate);
});

test("a soft cancellation asks and does not kill; a hard one escalates it", async () => {
  const run = fixture.run([], IGNORES);
  const child = await pidOf(run, "child");
  const soft = fixture.cancel(run.id, { soft: true });
  await run.prints(/SIGTERM to process group/);
  expect(isAlive(child)).toBe(true);

  await fixture.cancel(run.id, { hard: true });

  expect(await soft).toContain("escalated from soft to hard");
  expect(await run.ended).toBe(137);
  expect(isAlive(child)).toBe(false);
});

test("a result that comes after the cancellation does not count", async () => {
  const run = fixture.run([], ["sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"]);
  await run.prints(/ready/);

  await fixture.cancel(run.id);

  expect(await run.ended).toBe(0);
  expect((await fixture.process(run.id)).execution?.state).toBe(ExecutionState.CANCELLED);
});

test("in a race of the command's own end with a cancel, there is one outcome, and all agree on it", async () => {
  const run = fixture.run([], ["sh", "-c", "echo ready; read line; exit 0"]);
  await run.prints(/ready/);

  await fixture.cancel(run.id);
  const exit = await run.ended;

  const { execution } = await fixture.process(run.id);
  if (execution?.state === ExecutionState.CANCELLED) {
    expect([0, 143]).toContain(exit);
    expect(execution.stopProof).toBe(StopProof.CONFIRMED);
  } else {
    expect(exit).toBe(0);
    expect(execution?.state).toBe(ExecutionState.COMPLETED);
  }
});

test("a run within a run is stopped with the outer one, daemons and all", async () => {
  const { server } = fixture;
  const inner = `${process.execPath} src/cli/main.ts run --address ${server.url} -- sh -c 'setsid sleep 60 & echo daemon $!; wait'`;
  const run = fixture.run([], ["sh", "-c", inner]);
  const daemon = await pidOf(run, "daemon");

  await fixture.cancel(run.id, { hard: true });

  await run.ended;
  expect(isAlive(daemon)).toBe(false);
});
