import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { REFUSAL_REASONS, Refused, refusal } from "../../src/domain/refusal.ts";
import { completeError, invalidRequest, refusalToError } from "../../src/rpc/errors.ts";
import { errorOf, openDoor } from "./double.ts";

const { cancelProcess, cancelProcessInstance } = CancellationService.method;

describe("the error of a refusal", () => {
  it.each(REFUSAL_REASONS)("names its reason: %s", (reason) => {
    const error = refusalToError(refusal(reason, "the message", { key: "value" }), cancelProcess);

    expect(error.rawMessage).toBe("the message");
    expect(error.findDetails(ErrorInfoSchema)).toEqual([
      create(ErrorInfoSchema, { reason: reason.toUpperCase(), domain: "belay.v1", metadata: { key: "value" } }),
    ]);
  });

  it("is one that gRPC can carry, even if it quotes half a character", () => {
    const error = refusalToError(refusal("invalid_request", "not \ud83d", {}), cancelProcess);

    expect(error.rawMessage).toBe("not \ufffd");
  });

  it("names the resource that was not found", () => {
    const error = refusalToError(refusal("execution_not_found", "no", { kind: "process", id: "p-1" }), cancelProcess);

    expect(error.code).toBe(Code.NotFound);
    expect(error.findDetails(ResourceInfoSchema)[0]).toMatchObject({
      resourceType: "belay.v1.Process",
      resourceName: "p-1",
    });
  });

  it.each([
    ["cancellation_not_found", { cancellation_id: "c-1" }, "belay.v1.Cancellation", "c-1"],
    ["listener_job_not_found", { job_key: "c-1:0" }, "belay.v1.ListenerJob", "c-1:0"],
    ["parent_not_found", { kind: "workflow_run", id: "r-1" }, "belay.v1.WorkflowRun", "r-1"],
  ] as const)("names it for %s", (reason, metadata, resourceType, resourceName) => {
    const error = refusalToError(refusal(reason, "no", metadata), cancelProcess);

    expect(error.findDetails(ResourceInfoSchema)[0]).toMatchObject({ resourceType, resourceName });
  });

  it.each(["shutting_down", "store_unavailable", "still_cancelling"] as const)(
    "says when to ask again where that helps: %s",
    (reason) => {
      const error = refusalToError(refusal(reason, "later"), cancelProcess);

      expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
      expect(error.metadata.get("retry-after")).toBe("1");
    },
  );

  it("spreads those who are refused for overload over some seconds", () => {
    const delays = Array.from({ length: 200 }, () => {
      const error = refusalToError(refusal("overloaded", "later"), cancelProcess);
      return error.metadata.get("retry-after");
    });

    expect(new Set(delays)).toEqual(new Set(["1", "2", "3"]));
  });

  it("names the time when a rate limit begins anew", () => {
    const error = refusalToError(refusal("rate_limited", "later", { limit: "5", reset: "17" }), cancelProcess);

    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(17n);
    expect(error.metadata.get("retry-after")).toBe("17");
  });

  it("does not say so where it does not help", () => {
    const error = refusalToError(refusal("stale_token", "never"), cancelProcess);

    expect(error.findDetails(RetryInfoSchema)).toEqual([]);
    expect(error.metadata.get("retry-after")).toBeNull();
  });

  it("names the field that the service found wrong, once", () => {
    const wrong = refusal("invalid_request", "engine: 'x' is not configured", { field: "engine" });

    const [details] = refusalToError(wrong, cancelProcess).findDetails(BadRequestSchema);

    expect(details?.fieldViolations).toMatchObject([{ field: "engine", description: "'x' is not configured" }]);
  });

  it.each(["already_cancelled", "already_finished"] as const)("%s is NOT_FOUND to Camunda's clients only", (reason) => {
    expect(refusalToError(refusal(reason, "gone"), cancelProcessInstance).code).toBe(Code.NotFound);
    expect(refusalToError(refusal(reason, "gone"), cancelProcess).code).toBe(Code.FailedPrecondition);
  });
});

describe("an invalid request", () => {
  it("is refused with no more violations than headers can carry, and the number of the rest", () => {
    const violations = Array.from({ length: 40 }, (_, index) => ({ field: `f${index}`, description: "is wrong" }));

    const error = invalidRequest(violations);

    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toHaveLength(32);
    expect(error.rawMessage).toMatch(/^f0 is wrong; f1 is wrong; .*; and 8 more$/);
  });
});

describe("an error that names no reason", () => {
  it.each([
    [Code.DeadlineExceeded, "DEADLINE_EXCEEDED"],
    [Code.Unavailable, "SHUTTING_DOWN"],
    [Code.ResourceExhausted, "BODY_TOO_LARGE"],
    [Code.Unimplemented, "UNKNOWN_METHOD"],
  ])("gets that of its code: %s", (code, reason) => {
    const error = completeError(new ConnectError("words", code), cancelProcess);

    expect(error.code).toBe(code);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe(reason);
  });

  it("stays as it is if nobody waits for it", () => {
    const left = new ConnectError("the caller has left", Code.Canceled);

    expect(completeError(left, cancelProcess)).toBe(left);
  });
});

describe("a fault of the server", () => {
  it("is logged whole under the id of the request, and shown to the caller by that id only", async () => {
    const fault = new Error("SQLITE_CORRUPT: page 3 of /var/lib/belay.db");
    const door = openDoor({ getExecution: () => Promise.reject(fault) });

    const call = door.executions.getProcess({ processId: "p-1" }, { headers: { "x-request-id": "r-77" } });
    const error = await errorOf(call);

    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toBe("internal error; the server's log tells more under request id r-77");
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: "INTERNAL",
      metadata: { request_id: "r-77" },
    });
    expect(JSON.stringify([error, [...error.metadata]])).not.toContain("SQLITE");
    expect(door.faults).toEqual([{ err: fault, method: "belay.v1.ExecutionService/GetProcess", request_id: "r-77" }]);
  });

  it("is hidden in streams too", async () => {
    const door = openDoor({
      async *watchExecution() {
        yield* [];
        throw new Error("secret");
      },
    });

    const read = async () => {
      const ref = { kind: 2, id: "p-1" } as const;
      for await (const _ of door.executions.watchExecution({ execution: ref })) expect.fail("no event was sent");
    };
    const error = await errorOf(read());

    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).not.toContain("secret");
    expect(door.faults).toHaveLength(1);
  });
});

describe("the HTTP status of an error", () => {
  it.each([
    ["an unknown process", refusal("execution_not_found", "no"), 404],
    ["a reused command id", refusal("idempotency_key_reused", "no"), 422],
    ["overload", refusal("overloaded", "later"), 503],
    ["a slow answer", refusal("still_cancelling", "later"), 504],
  ])("is what the contract documents: %s", async (_case, refused, status) => {
    const door = openDoor({ cancel: () => Promise.reject(new Refused(refused)) });

    await errorOf(door.cancellations.cancelProcess({ processId: "p-1", reason: "r", requestedBy: {} }));

    expect(door.statuses).toEqual([status]);
    expect(door.faults).toEqual([]);
  });
});
