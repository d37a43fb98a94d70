import { expect, it } from "vitest";
import { decide } from "../../src/domain/decide.ts";
import { type Heard, withHeartbeat } from "../../src/domain/heard.ts";
import { NO_FACTS, runningWorld } from "./executions.ts";

const world = runningWorld("process");
const execution = world.execution!;
const lease = execution.lease!;
const heard: Heard = { token: lease.token, at: lease.expiresAt - 5_000 };
const extended = { ...lease, expiresAt: heard.at + lease.duration };

it("extends the lease from the moment of the heartbeat", () => {
  expect(withHeartbeat(execution, heard)).toEqual({ ...execution, lease: extended });
});

it.each([
  ["of another lease", execution, { ...heard, token: lease.token + 1 }],
  ["that is stored already", { ...execution, lease: extended }, heard],
  ["of a lease that has ended", { ...execution, lease: { ...lease, expired: true } }, heard],
  ["where nobody holds a lease", { ...execution, lease: null }, heard],
])("changes nothing by a heartbeat %s", (_, before, told) => {
  expect(withHeartbeat(before, told)).toBe(before);
});

it("counts in whatever is decided next, also where that changes nothing itself", () => {
  const at = lease.expiresAt;

  const due = decide(execution.key, execution, { type: "lease_due", token: lease.token }, at, { ...NO_FACTS, heard });
  const ignored = decide(
    execution.key,
    execution,
    { type: "verified", cancellationId: "none", engineStatus: { status: "unknown", detail: "" } },
    at,
    { ...NO_FACTS, heard },
  );

  expect(due.execution?.lease).toEqual(extended);
  expect(due.effects).toEqual([{ type: "lease_timer", dueAt: extended.expiresAt, token: lease.token }]);
  expect(ignored.execution?.lease).toEqual(extended);
});
