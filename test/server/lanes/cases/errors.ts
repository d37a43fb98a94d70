/** How handlers fail. */
import { Code } from "@connectrpc/connect";
import { CancellationService } from "../../../../gen/belay/v1/cancellation_service_pb.ts";
import type { Case } from "../case.ts";
import { ask, WIRES } from "../wire.ts";
import { cancel, type Is, NOT_FOUND, overEach, summaryOf } from "./cancel.ts";

/** As an error stands that names no reason: it gets the one of the transport, where there is one. */
const CODES: readonly (readonly [name: string, code: Code, is: Is])[] = [
  ["canceled", Code.Canceled, { grpc: 1, http: "499 canceled" }],
  ["unknown", Code.Unknown, { grpc: 13, http: "500 internal" }],
  ["invalid-argument", Code.InvalidArgument, { grpc: 3, http: "400 invalid_argument" }],
  ["deadline-exceeded", Code.DeadlineExceeded, { grpc: 4, http: "504 deadline_exceeded" }],
  ["not-found", Code.NotFound, NOT_FOUND],
  ["already-exists", Code.AlreadyExists, { grpc: 6, http: "409 already_exists" }],
  ["permission-denied", Code.PermissionDenied, { grpc: 7, http: "403 permission_denied" }],
  ["resource-exhausted", Code.ResourceExhausted, { grpc: 8, http: "413 resource_exhausted" }],
  ["failed-precondition", Code.FailedPrecondition, { grpc: 9, http: "400 failed_precondition" }],
  ["aborted", Code.Aborted, { grpc: 10, http: "409 aborted" }],
  ["out-of-range", Code.OutOfRange, { grpc: 11, http: "400 out_of_range" }],
  ["unimplemented", Code.Unimplemented, { grpc: 12, http: "404 unimplemented" }],
  ["internal", Code.Internal, { grpc: 13, http: "500 internal" }],
  ["unavailable", Code.Unavailable, { grpc: 14, http: "503 unavailable" }],
  ["data-loss", Code.DataLoss, { grpc: 15, http: "500 data_loss" }],
  ["unauthenticated", Code.Unauthenticated, { grpc: 16, http: "401 unauthenticated" }],
];

export const ERRORS: readonly Case[] = [
  ...CODES.flatMap(([name, code, is]) =>
    overEach(WIRES, `errors/unary/${name}`, cancel("fails", { reason: String(code) }), {}, is),
  ),
  ...WIRES.map((wire) => ({
    name: `${wire}: basic/unimplemented`,
    ask: ask(wire, CancellationService.method.resolveIncident, { cancellationId: "c-1" }),
    is: summaryOf(wire, { grpc: 12, http: "404 unimplemented" }),
  })),
  ...overEach(WIRES, "unary/error-with-metadata", cancel("fails with metadata"), {}, NOT_FOUND),
  ...overEach(
    WIRES,
    "unary/unicode-error-message",
    cancel("fails with metadata", { reason: "\u{1f4a5} ünïcode: 100 %25 \r\n\t\u007f\u0000" }),
    {},
    NOT_FOUND,
  ),
  ...overEach(WIRES, "a message of 3 KiB", cancel("fails with metadata", { reason: "x".repeat(3000) }), {}, NOT_FOUND),
  ...overEach(
    WIRES,
    "a message of 3 KiB for a client that accepts gzip",
    cancel("fails with metadata", { reason: "x".repeat(3000) }),
    {
      headers: [
        ["grpc-accept-encoding", "gzip"],
        ["accept-encoding", "gzip"],
      ],
    },
    { ...NOT_FOUND, http: "404" },
  ),
  ...overEach(WIRES, "an empty message", cancel("fails with metadata", { reason: " " }), {}, NOT_FOUND),
  ...overEach(WIRES, "a refusal of the service", cancel("missing"), {}, NOT_FOUND),
  ...overEach(WIRES, "a fault of the server", cancel("faulty"), {}, { grpc: 13, http: "500 internal" }),
];
