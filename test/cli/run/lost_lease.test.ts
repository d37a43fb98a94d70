import { expect, test } from "vitest";
import { EventType, StopProof } from "../../../gen/belay/v1/cancellation_pb.ts";
import { linkTo } from "./link.ts";
import { runFixture } from "./run_fixture.ts";

const fixture = runFixture();
/** Milliseconds for a test: a server that has just started lets no lease end for a while, so that its workers can come back. */
const AFTER_GRACE = 60_000;
const OBEYS = ["sh", "-c", "echo pid $$; sleep 60; true"];

test("work that was cancelled after its lease had ended is stopped, and the lost proof is confirmed", {
  timeout: AFTER_GRACE,
}, async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--lease", "1"], OBEYS, { BELAY_ADDRESS: link.url });
  await run.prints(/pid/);
  link.cut();
  await fixture.happened(run.id, EventType.LEASE_EXPIRED);
  expect((await fixture.cancel(run.id)).at(-1)).toBe("cancellation ended: cancelled (stop proof: lost)");

  link.mend();

  expect(await run.ended).toBe(143);
  expect(run.output()).toContain("cancelled by incident-bot while the connection was lost (runaway): SIGTERM");
  expect((await fixture.process(run.id)).execution?.stopProof).toBe(StopProof.CONFIRMED);
});

test("work that was handed to another worker is stopped, and the other one's hold is not touched", {
  timeout: AFTER_GRACE,
}, async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--lease", "1"], OBEYS, { BELAY_ADDRESS: link.url });
  await run.prints(/pid/);
  link.cut();
  await fixture.happened(run.id, EventType.LEASE_EXPIRED);
  const other = await fixture.belay.claim({ kind: "process", id: run.id, registered: true });

  link.mend();

  expect(await run.ended).toBe(143);
  expect(run.output()).toContain("the lease was lost and the work was handed on or ended elsewhere: SIGTERM");
  expect((await fixture.process(run.id)).execution?.workerId).toBe(fixture.belay.workerId);
  expect(await other.complete()).toBe("recorded");
  other.release();
});

test("a lease that ended while nobody else asked for the work is got back", { timeout: AFTER_GRACE }, async () => {
  const link = await linkTo(fixture.server.url);
  const run = fixture.run(["--lease", "1"], OBEYS, { BELAY_ADDRESS: link.url });
  await run.prints(/pid/);
  link.cut();
  await fixture.happened(run.id, EventType.LEASE_EXPIRED);

  link.mend();

  await fixture.happened(run.id, EventType.LEASE_RENEWED);
  await fixture.cancel(run.id);
  expect(await run.ended).toBe(143);
});
