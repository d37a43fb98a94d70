/** A timeline for people: a line an event, with its local time and the span since the first. */

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { EventType, type TimelineEvent } from "../../gen/belay/v1/cancellation_pb.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import { bold, dim, green, type Paint, plain, red, yellow } from "./paint.ts";
import { printable } from "./printable.ts";
import { localTime, spanBetween } from "./time_format.ts";

const PAINT_OF: { readonly [type: number]: Paint } = {
  [EventType.CANCELLATION_REQUESTED]: bold,
  [EventType.TERMINATE_REQUESTED]: yellow,
  [EventType.TERMINATE_DELIVERED]: yellow,
  [EventType.STOP_CONFIRMED]: green,
  [EventType.CANCELLATION_ENDED]: bold,
  [EventType.CHILDREN_OVERDUE]: yellow,
  [EventType.LEASE_EXPIRED]: yellow,
  [EventType.LISTENER_JOB_FAILED]: yellow,
  [EventType.LISTENER_JOB_TIMED_OUT]: yellow,
  [EventType.ENGINE_UNREACHABLE]: yellow,
  [EventType.STOP_LOST]: red,
  [EventType.OVERDUE]: red,
  [EventType.INCIDENT_RAISED]: red,
  [EventType.FAILED]: red,
};

/** Formats one event after another. The first one sets the origin of the spans, and the execution that the timeline is about. */
export function timelineFormatter(now: () => Date): (event: TimelineEvent) => string {
  let origin: Timestamp | undefined;
  let subject: string | undefined;
  return (event) => {
    const { time, type, message, execution } = event;
    const paint = PAINT_OF[type] ?? plain;
    origin ??= time;
    subject ??= nameOf(execution);
    const other = nameOf(execution) === subject ? "" : `${nameOf(execution)}: `;
    const at = time === undefined ? "" : localTime(time, now());
    const since = time === undefined || origin === undefined ? "" : `+${spanBetween(origin, time)}`;
    return `  ${dim(at)}  ${dim(since.padStart(10))}  ${paint(printable(other + message))}`;
  };
}
