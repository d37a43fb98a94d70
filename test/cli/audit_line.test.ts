import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { AuditEventSchema } from "../../gen/belay/v1/audit_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { auditLine } from "../../src/cli/audit_line.ts";

const AT = new Date(2026, 0, 5, 12, 3, 11, 250);

function lineOf(event: MessageInitShape<typeof AuditEventSchema>): string {
  return auditLine(create(AuditEventSchema, { number: 17n, time: timestampFromDate(AT), count: 1n, ...event }));
}

it("says when, what, what came of it, who, from where, for whom and why", () => {
  const line = lineOf({
    action: "CancelProcess",
    execution: { kind: Kind.PROCESS, id: "p-1" },
    outcome: "applied",
    principal: "key:0199",
    name: "ops",
    address: "192.0.2.7",
    requestedBy: '{"user":"ann"}',
    reason: "wrong input",
  });

  expect(line).toBe(
    "   #17  2026-01-05 12:03:11.250  CancelProcess process p-1: applied, by ops (key:0199) from 192.0.2.7, " +
      'for {"user":"ann"}, because "wrong input"',
  );
});

it("says why it was refused, how often, and that nobody knows the caller", () => {
  const line = lineOf({
    action: "CancelWorkflowRun",
    outcome: "UNAUTHENTICATED",
    message: "the credentials are not valid",
    address: "192.0.2.9",
    count: 40n,
  });

  expect(line).toMatch(
    /CancelWorkflowRun: UNAUTHENTICATED \(the credentials are not valid\), 40 times, by somebody unk/,
  );
});

it("lets nothing that a caller made up move the cursor or begin a line of its own", () => {
  const line = lineOf({ action: "CancelProcess", outcome: "applied", principal: "key:1", name: "a\u001b[2J\nb" });

  expect(line).toContain("by a\\u001b[2J\\nb (key:1)");
});
