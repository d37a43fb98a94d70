/** The ids that Belay mints. */
import { randomFillSync, randomInt } from "node:crypto";
import { v7 } from "uuid";
import type { Kind } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";

const RANDOM_BYTES = 16;

// Asking the system for random bytes takes longer than all the rest, however few they are.
const pool = new Uint8Array(RANDOM_BYTES * 256);
let taken = pool.length;

// The ids of one millisecond are told apart, and kept in order, by a number that counts on.
let millisecond: Millis = Number.NEGATIVE_INFINITY;
let sequence = 0;

/** A UUIDv7: unique, and in the order in which they are minted. */
export function mintUuid(): string {
  const random = randomBytes();
  const now = Date.now();
  if (now > millisecond) {
    millisecond = now;
    // Half of the numbers are left to count through.
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
  } else {
    sequence += 1;
  }
  return v7({ random, msecs: millisecond, seq: sequence });
}

function randomBytes(): Uint8Array {
  if (taken === pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  taken += RANDOM_BYTES;
  return pool.subarray(taken - RANDOM_BYTES, taken);
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
