/** Checks every answer of a measurement, after the clock has stopped: a fast wrong answer is worth nothing. */
import { type DescMessage, fromBinary, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import {
  type CancelProcessResponse,
  CancelProcessResponseSchema,
  CancelProcessStatus,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { type GetProcessResponse, GetProcessResponseSchema } from "../../gen/belay/v1/execution_service_pb.ts";
import { type HeartbeatResponse, HeartbeatResponseSchema, StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { type IdForm, idOf } from "./execution_id.ts";
import { unframe } from "./grpc_frame.ts";
import type { CallType, Wire } from "./order.ts";

export interface Answer {
  /** Of the execution that was asked about. */
  readonly number: number;
  readonly body: Buffer;
}

/** Throws if an answer is not what this call should be answered with. What is registered shows when it is cancelled. */
export function checkAnswers(answers: readonly Answer[], call: CallType, wire: Wire, ids: IdForm): void {
  if (call === "register_pending" || call === "register_running") return;
  for (const { number, body } of answers) {
    const id = idOf(number, ids);
    const fault = faultOf(body, id, call, wire);
    if (fault !== null) throw new Error(`the answer to the ${call} of ${id} ${fault}: ${body.toString()}`);
  }
}

function faultOf(body: Buffer, id: string, call: "cancel" | "get" | "heartbeat", wire: Wire): string | null {
  switch (call) {
    case "cancel":
      return faultOfFirstCancel(decode(CancelProcessResponseSchema, body, wire), id);
    case "get":
      return faultOfGet(decode(GetProcessResponseSchema, body, wire), id);
    case "heartbeat":
      return faultOfHeartbeat(decode(HeartbeatResponseSchema, body, wire), id);
  }
}

/** Anything but the answer to the first cancel of its execution is one. */
function faultOfFirstCancel({ status, cancellation }: CancelProcessResponse, id: string): string | null {
  if (status !== CancelProcessStatus.CANCEL_REQUESTED) return "is not CANCEL_REQUESTED";
  if (cancellation?.execution?.id !== id) return "is about another execution";
  const [first, ...others] = cancellation.timeline.filter(({ type }) => CANCELS.has(type));
  const isFirst = first?.type === EventType.CANCELLATION_REQUESTED && others.length === 0;
  return isFirst ? null : "is not that to a first cancel";
}

/** What a cancel writes into the timeline: the first one the first of these, a later one another. */
const CANCELS: ReadonlySet<EventType> = new Set([
  EventType.CANCELLATION_REQUESTED,
  EventType.CANCELLATION_JOINED,
  EventType.CANCELLATION_ESCALATED,
]);

function faultOfGet({ process }: GetProcessResponse, id: string): string | null {
  return process?.execution?.ref?.id === id ? null : "is about another execution";
}

function faultOfHeartbeat({ leases: [lease, ...others] }: HeartbeatResponse, id: string): string | null {
  if (lease?.execution?.id !== id || others.length > 0) return "is about another execution";
  if (lease.signal !== StopSignal.UNSPECIFIED) return "tells to stop";
  return lease.expireTime === undefined ? "prolongs nothing" : null;
}

function decode<Desc extends DescMessage>(schema: Desc, body: Buffer, wire: Wire): MessageShape<Desc> {
  return wire === "grpc" ? fromBinary(schema, unframe(body)) : fromJsonString(schema, body.toString());
}
