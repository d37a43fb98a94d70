/** The ids that Belay mints. */
import { randomInt } from "node:crypto";
import { v7 } from "uuid";
import type { Kind } from "../domain/execution.ts";

/** A UUIDv7: unique, and in the order of time. */
export function mintUuid(): string {
  return v7();
}

/** The bits below the milliseconds in a key: enough to keep keys of one millisecond apart. */
const KEY_RANDOM_BITS = 22;

/** The public id of an execution that was registered without one. Process instances have integers that fit 64 bits. */
export function mintExecutionId(kind: Kind): string {
  return kind === "process_instance" ? mintKey() : mintUuid();
}

/** An integer that fits 64 bits, as Camunda's keys do. */
export function mintKey(): string {
  const key = (BigInt(Date.now()) << BigInt(KEY_RANDOM_BITS)) | BigInt(randomInt(2 ** KEY_RANDOM_BITS));
  return key.toString();
}
