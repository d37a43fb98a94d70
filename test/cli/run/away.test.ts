import { expect, test } from "vitest";
import { EventType } from "../../../gen/belay/v1/cancellation_pb.ts";
import { ExecutionState } from "../../../gen/belay/v1/execution_pb.ts";
import { linkTo } from "./link.ts";
import { isAlive, runFixture } from "./run_fixture.ts";

const fixture = runFixture();
const OBEYS = ["sh", "-c", "echo pid $$; sleep 60; true"];

test("a server that is restarted does not harm the command, and can stop it afterwards", async () => {
  const run = fixture.run([], OBEYS);
  const [, pid] = await run.prints(/pid (\d+)/);

  await fixture.server.kill();
  await run.prints(/belay: lost the connection to Belay/);
  expect(isAlive(Number(pid))).toBe(true);
  await fixture.server.restart();
  await run.prints(/belay: the connection to Belay is back/);

  await fixture.cancel(run.id);
  expect(await run.ended).toBe(143);
});

test("a stop that was decided while the connection was lost comes when it is back", async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--lease", "60"], OBEYS, { BELAY_ADDRESS: link.url });
  await run.prints(/pid/);
  link.cut();
  await run.prints(/lost the connection/);
  const cancelled = fixture.cancel(run.id, { forceAfterSeconds: 60 });
  await fixture.happened(run.id, EventType.STOP_REQUESTED);

  link.mend();

  expect((await cancelled).at(-1)).toBe("cancellation ended: cancelled (stop proof: confirmed)");
  expect(await run.ended).toBe(143);
});

test("the end of a command is told to a server that was away then", async () => {
  const run = fixture.run([], ["sh", "-c", "trap 'exit 4' USR1; echo ready; while :; do sleep 0.01; done"]);
  await run.prints(/ready/);
  await fixture.server.kill();
  await run.prints(/lost the connection/);
  run.process.kill("SIGUSR1");

  await fixture.server.restart();

  expect(await run.ended).toBe(4);
  const { execution } = await fixture.process(run.id);
  expect(execution).toMatchObject({ state: ExecutionState.FAILED, error: { message: "exit code 4" } });
});

test("a server that stays away keeps the exit code waiting no longer than it is allowed to", async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--report-timeout", "1"], ["sh", "-c", "echo ready; sleep 0.2; exit 4"], {
    BELAY_ADDRESS: link.url,
  });
  await run.prints(/ready/);

  link.cut();

  expect(await run.ended).toBe(4);
  expect(run.output()).toContain(
    "belay: could not tell Belay how the command ended (no answer); it will see the lease end",
  );
});

test("whoever will not wait for a server that stays away gets the exit code at once", async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--verbose"], ["sh", "-c", "echo ready; sleep 0.2; exit 4"], { BELAY_ADDRESS: link.url });
  await run.prints(/ready/);
  link.cut();
  await run.prints(/the command ended: exit code 4/);
  await run.prints(/Belay has not heard yet how/);

  run.process.kill("SIGINT");

  expect(await run.ended).toBe(4);
});
