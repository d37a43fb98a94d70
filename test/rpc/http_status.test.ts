import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { httpStatusOf } from "../../src/rpc/http_status.ts";

const { cancelProcess, cancelProcessInstance, cancelWorkflowInstance, getCancellation } = CancellationService.method;

describe("the HTTP status of an error", () => {
  it.each([
    [cancelProcess, Code.InvalidArgument, "INVALID_REQUEST", 422],
    [cancelProcessInstance, Code.InvalidArgument, "INVALID_REQUEST", 400],
    [cancelProcessInstance, Code.InvalidArgument, "IDEMPOTENCY_KEY_REUSED", 422],
    [cancelProcessInstance, Code.ResourceExhausted, "OVERLOADED", 503],
    [cancelWorkflowInstance, Code.Unauthenticated, "", 403],
  ])("is what $name documents", (method, code, reason, status) => {
    expect(httpStatusOf(method, code, reason)).toBe(status);
  });

  it.each([
    [getCancellation, Code.NotFound, 404],
    [getCancellation, Code.InvalidArgument, 400],
    [cancelProcess, Code.Aborted, 409],
    [Health.method.check, Code.Unavailable, 503],
  ])("is what Connect says where %s documents none", (method, code, status) => {
    expect(httpStatusOf(method, code, "ANY")).toBe(status);
  });

  it.each([
    [Code.InvalidArgument, "MALFORMED_BODY", 400],
    [Code.ResourceExhausted, "BODY_TOO_LARGE", 413],
  ])("speaks of the transport, whatever the RPC documents for %s", (code, reason, status) => {
    expect(httpStatusOf(cancelProcess, code, reason)).toBe(status);
    expect(httpStatusOf(cancelProcessInstance, code, reason)).toBe(status);
  });
});
