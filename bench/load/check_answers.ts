/** Checks every answer of a measurement, after the clock has stopped: a fast wrong answer is worth nothing. */
import { fromBinary, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import {
  type CancelProcessResponse,
  CancelProcessResponseSchema,
  CancelProcessStatus,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import { executionId } from "./execution_id.ts";
import { unframe } from "./grpc_frame.ts";
import type { Wire } from "./order.ts";

export interface Answer {
  /** Of the execution that was asked about. */
  readonly number: number;
  readonly body: Buffer;
}

/** Throws if an answer is anything but that to the first cancel of its execution. */
export function checkFirstCancels(answers: readonly Answer[], wire: Wire): void {
  for (const { number, body } of answers) {
    const answer = decode(body, wire);
    const id = executionId(number);
    const fault = faultOf(answer, id);
    if (fault !== null) {
      throw new Error(
        `the answer to the cancel of ${id} ${fault}: ${toJsonString(CancelProcessResponseSchema, answer)}`,
      );
    }
  }
}

function faultOf({ status, cancellation }: CancelProcessResponse, id: string): string | null {
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

function decode(body: Buffer, wire: Wire): CancelProcessResponse {
  return wire === "grpc"
    ? fromBinary(CancelProcessResponseSchema, unframe(body))
    : fromJsonString(CancelProcessResponseSchema, body.toString());
}
