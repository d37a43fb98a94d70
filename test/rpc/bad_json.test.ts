import type { DescMethodUnary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { checkJson, diagnoseJson } from "../../src/rpc/bad_json.ts";

const { cancelProcess, listCancellations } = CancellationService.method;
const { registerExecution } = ExecutionService.method;
const { heartbeat } = WorkerService.method;

/** Field and description of every violation. */
function violationsOf(method: DescMethodUnary, body: unknown): Record<string, string> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const error = checkJson(method, new TextEncoder().encode(text));
  const violations = error?.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
  return Object.fromEntries(violations.map(({ field, description }) => [field, description]));
}

describe("a body with values of the wrong type", () => {
  it("is answered with every broken field and what would be right", () => {
    const body = { strategy: "nope", force_after_seconds: -1, requested_by: 5 };

    expect(violationsOf(cancelProcess, body)).toEqual({
      strategy: 'must be one of STRATEGY_SOFT, STRATEGY_HARD, STRATEGY_SOFT_THEN_FORCE, not "nope"',
      requested_by: "must be an object, not 5",
      process_id: "is required",
      reason: "is required",
      force_after_seconds: "must be greater than or equal to 0",
    });
  });

  it("is an invalid request", () => {
    const error = diagnoseJson(cancelProcess, new TextEncoder().encode('{"reason":1}'));

    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("INVALID_REQUEST");
    expect(error.rawMessage).toContain("reason must be a string, not 1");
  });

  it("is looked into at every depth: messages, lists, maps and oneofs", () => {
    const body = {
      kind: "KIND_PROCESS",
      parent: { kind: "KIND_NOTHING", id: "x" },
      labels: { team: 1, ok: "yes" },
      listeners: [{ type: "cleanup", retries: "many" }, "cleanup", {}],
      queueItems: [{ id: "q-1", state: "QUEUE_ITEM_STATE_PENDING" }, { id: 7 }],
      claim: { worker_id: "w-1", lease_seconds: 2.5 },
      process: { target: { phoneId: true }, requested_by: { metadata: [] } },
    };

    expect(violationsOf(registerExecution, body)).toEqual({
      "parent.kind":
        'must be one of KIND_PROCESS_INSTANCE, KIND_PROCESS, KIND_WORKFLOW_INSTANCE, KIND_ASSESSMENT, KIND_WORKFLOW_RUN, not "KIND_NOTHING"',
      'labels["team"]': "must be a string, not 1",
      "listeners[0].retries": 'must be an integer from -2147483648 to 2147483647, not "many"',
      "listeners[1]": 'must be an object, not "cleanup"',
      "listeners[2].type": "is required",
      "queue_items[1].id": "must be a string, not 7",
      "claim.lease_seconds": "must be an integer from -2147483648 to 2147483647, not 2.5",
      "process.target.phone_id": "must be a string, not true",
      "process.requested_by.metadata": "must be an object, not a list",
    });
  });

  it("names items by their place, before and after the broken ones", () => {
    const leases = [null, { execution: { kind: "KIND_PROCESS", id: "p" }, token: 0 }, { execution: 1, token: {} }];

    expect(violationsOf(heartbeat, { worker_id: "w", leases })).toEqual({
      "leases[0]": "must be an object, not null",
      "leases[1].token": "must be greater than or equal to 1",
      "leases[2].execution": "must be an object, not 1",
      "leases[2].token": "must be an integer, not an object",
    });
  });

  it("is told of a time that is none", () => {
    expect(violationsOf(listCancellations, { requested_after: "yesterday", page_size: 5000 })).toEqual({
      requested_after: 'must be a time such as "2026-01-31T12:00:00Z", not "yesterday"',
      page_size: "must be greater than or equal to 0 and less than or equal to 1000",
    });
  });

  it("is told of a field that is given twice, and of two members of one oneof", () => {
    const body = { kind: "KIND_PROCESS", queue_items: [], queueItems: [], process: {}, assessment: {} };

    expect(violationsOf(registerExecution, body)).toEqual({
      queue_items: "is given twice, as queue_items and as queueItems",
      detail: "must be one of process and assessment, not both",
    });
  });

  it("is not judged by rules about a whole message of which a part could not be read", () => {
    expect(violationsOf(registerExecution, { kind: "KIND_PROCES", queue_items: [{ id: "q" }] })).toEqual({
      kind: expect.stringContaining("KIND_PROCESS, "),
    });
  });

  it("is told of JSON that is nested too deeply", () => {
    const body = `{"requested_by":{"metadata":${'{"a":'.repeat(150)}1${"}".repeat(150)}}}`;

    expect(violationsOf(cancelProcess, body)).toMatchObject({ "requested_by.metadata": "is nested too deeply" });
  });

  it("does not repeat long values", () => {
    expect(violationsOf(cancelProcess, { strategy: "x".repeat(500) })).toMatchObject({
      strategy: expect.stringMatching(/, not such a long string$/),
    });
  });

  it.each(["5", "[]", "null", '"text"'])("has to be an object: %s", (text) => {
    expect(violationsOf(cancelProcess, text)).toEqual({ "": "the body must be a JSON object" });
  });
});

describe("a body that is not JSON", () => {
  it("is answered with the place where it stops being JSON", () => {
    const error = diagnoseJson(cancelProcess, new TextEncoder().encode('{"reason": oops}'));

    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe('the body is not JSON: unexpected "o" at line 1, column 12');
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: "MALFORMED_BODY",
      metadata: { line: "1", column: "12", offset: "11" },
    });
  });

  it("may be empty", () => {
    const error = diagnoseJson(cancelProcess, new Uint8Array());

    expect(error.rawMessage).toBe("the body is empty; a JSON object is expected");
  });

  it("is malformed too if a member is there twice", () => {
    const error = diagnoseJson(cancelProcess, new TextEncoder().encode('{"reason":"a","reason":"b"}'));

    expect(error.rawMessage).toContain('duplicate object key "reason"');
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("MALFORMED_BODY");
  });
});

describe("a body that can be decoded", () => {
  it.each([
    ["with names as in the contract", { process_id: "p", reason: "r", requested_by: { metadata: { a: [1] } } }],
    ["with names in camel case", { processId: "p", forceAfterSeconds: "3", strategy: "STRATEGY_HARD" }],
    ["with the numbers of enums", { strategy: 2 }],
    ["with nulls for what is unset", { strategy: null, requested_by: null, force_after_seconds: null }],
    ["with fields that the contract does not have", { process_id: "p", priority: "high", requested_by: { team: 1 } }],
  ])("is left to validation: %s", (_case, body) => {
    expect(checkJson(cancelProcess, new TextEncoder().encode(JSON.stringify(body)))).toBeNull();
  });
});
