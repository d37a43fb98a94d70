/** Times of the contract (google.protobuf.Timestamp, spans in whole seconds) and of the domain (milliseconds). */
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Millis } from "../../domain/time.ts";
import { invalidRequest } from "../errors.ts";

/** Unset for null. */
export function timestampMessage(time: Millis): Timestamp;
export function timestampMessage(time: Millis | null): Timestamp | undefined;
export function timestampMessage(time: Millis | null): Timestamp | undefined {
  return time === null ? undefined : timestampFromMs(time);
}

// What google.protobuf.Timestamp may hold: the years 1 to 9999.
const EARLIEST: Millis = Date.parse("0001-01-01T00:00:00Z");
const LATEST: Millis = Date.parse("9999-12-31T23:59:59.999Z");

/** Null if unset. */
export function millisOfTimestamp(message: Timestamp | undefined, field: string): Millis | null {
  if (message === undefined) return null;
  const time = timestampMs(message);
  if (time >= EARLIEST && time <= LATEST) return time;
  throw invalidRequest([{ field, description: "must be a time in the years 1 to 9999" }]);
}

export function millisOfSeconds(seconds: number): Millis {
  return seconds * 1000;
}

/** Spans are made of whole seconds; one that is not is rounded up. */
export function secondsOfMillis(span: Millis): number {
  return Math.ceil(span / 1000);
}
