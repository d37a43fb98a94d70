/** What most cases ask: a cancel of a process, whose id tells the mirror what to do. */
import type { JsonObject } from "@bufbuild/protobuf";
import { CancellationService } from "../../../../gen/belay/v1/cancellation_service_pb.ts";
import type { Case } from "../case.ts";
import { ask, type Change, type Message, WIRES, type Wire } from "../wire.ts";

export const CANCEL = CancellationService.method.cancelProcess;
export const GET = CancellationService.method.getCancellation;
export const LIST = CancellationService.method.listCancellations;

export const CONNECT_WIRES = WIRES.filter((wire) => wire !== "gRPC");
export const JSON_WIRES = WIRES.filter((wire) => wire.startsWith("Connect JSON"));
export const PROTO_WIRES = WIRES.filter((wire) => !wire.startsWith("Connect JSON"));
export const HTTP1_WIRES = WIRES.filter((wire) => wire.endsWith("HTTP/1.1"));
export const HTTP2_WIRES = WIRES.filter((wire) => !wire.endsWith("HTTP/1.1"));

/** A request that every rule accepts. */
export function cancel(processId: string, more: JsonObject = {}): JsonObject {
  return { processId, reason: "a test", requestedBy: { system: "tests" }, ...more };
}

/** The summary of an answer, by the code of gRPC and by the status of HTTP. */
export interface Is {
  readonly grpc: number;
  /** With the name of the code, if it is an error: "404 not_found". */
  readonly http: string;
}

export const OK: Is = { grpc: 0, http: "200" };
export const MALFORMED: Is = { grpc: 3, http: "400 invalid_argument" };
/** A request that could be read, and breaks the contract's rules: CancelProcess answers it so. */
export const INVALID: Is = { grpc: 3, http: "422 invalid_argument" };
export const TOO_LARGE: Is = { grpc: 8, http: "413 resource_exhausted" };
export const NOT_FOUND: Is = { grpc: 5, http: "404 not_found" };
export const LATE: Is = { grpc: 4, http: "504 deadline_exceeded" };

export function summaryOf(wire: Wire, is: Is): string {
  return wire === "gRPC" ? `200 grpc ${is.grpc}` : is.http;
}

/** The same cancel over each of the wires. */
export function overEach(
  wires: readonly Wire[],
  name: string,
  message: Message,
  change: Change,
  is: Is,
  more: Partial<Case> = {},
): Case[] {
  return wires.map((wire) => ({
    name: `${wire}: ${name}`,
    ask: ask(wire, CANCEL, message, change),
    is: summaryOf(wire, is),
    ...more,
  }));
}
