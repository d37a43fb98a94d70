/** Times and spans, as people read them. Times are local. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

/** "2026-01-05 12:03:11.250" */
export function localDateTime(time: Timestamp): string {
  const date = timestampDate(time);
  return `${localDate(date)} ${clock(date)}`;
}

/** "12:03:11.250", and with its date before it if that is not today. */
export function localTime(time: Timestamp, now: Date): string {
  const date = timestampDate(time);
  return localDate(date) === localDate(now) ? clock(date) : `${localDate(date)} ${clock(date)}`;
}

/** "3 s", "12 min", "5 h" or "2 d": since `time`. */
export function ageOf(time: Timestamp, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - timestampDate(time).getTime()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "1.204 s": the span between two times. */
export function spanBetween(from: Timestamp, to: Timestamp): string {
  const millis = timestampDate(to).getTime() - timestampDate(from).getTime();
  return `${(millis / 1000).toFixed(3)} s`;
}

function localDate(date: Date): string {
  return `${date.getFullYear()}-${digits(date.getMonth() + 1, 2)}-${digits(date.getDate(), 2)}`;
}

function clock(date: Date): string {
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => digits(part, 2));
  return `${parts.join(":")}.${digits(date.getMilliseconds(), 3)}`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
