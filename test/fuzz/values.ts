/** Values that programs have stumbled over before, and ways to spoil one that is right. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Random } from "./random.ts";

/** Ids that the fuzz run itself gives to executions, so that some calls find what they ask for. */
const IDS = ["1", "2251799813685249", "p-1", "p-2", "run-1", "7f3c9a52-10b7-4c7b-9a55-0d6a3a5e1c11"];

const TEXTS = [
  ...IDS,
  "",
  " ",
  "0",
  "-1",
  "9223372036854775808",
  "1e309",
  "NaN",
  "null",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "' OR 1=1 --",
  "%00",
  "%ff",
  "\u0000",
  "\ud800",
  "\u202e",
  "é".repeat(40),
  "日本",
  "💥",
  "a".repeat(300),
  "a".repeat(5_000),
  "2026-02-31T25:61:00Z",
  "soft_then_force",
  "hard",
  "http://127.0.0.1:1/callback",
  "http://[",
];

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  5e-324,
];

export function someId(random: Random): string {
  return random.pick(IDS);
}

export function someText(random: Random): string {
  return random.chance(0.1) ? random.bytes(random.int(40)).toString("latin1") : random.pick(TEXTS);
}

export function someNumber(random: Random): number {
  return random.chance(0.3) ? random.int(1_000) : random.pick(NUMBERS);
}

/** @param names of members, so that some mean something */
export function someJson(random: Random, names: readonly string[], depth = 0): JsonValue {
  switch (random.int(depth > 3 ? 4 : 7)) {
    case 0:
      return someText(random);
    case 1:
      return someNumber(random);
    case 2:
      return random.chance(0.5);
    case 3:
      return null;
    case 4:
      return Array.from({ length: random.int(4) }, () => someJson(random, names, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.int(5) }, () => [random.pick(names), someJson(random, names, depth + 1)]),
      );
  }
}

/** Bytes that were right, with something wrong in them. */
export function spoil(random: Random, bytes: Buffer): Buffer {
  const at = random.int(bytes.length + 1);
  const to = at + random.int(bytes.length - at + 1);
  switch (random.int(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(16)), bytes.subarray(at)]);
    case 4:
      return random.bytes(random.int(64));
    default: {
      const spoilt = Buffer.from(bytes);
      for (let left = 1 + random.int(4); left > 0 && spoilt.length > 0; left -= 1) {
        spoilt[random.int(spoilt.length)] = random.int(256);
      }
      return spoilt;
    }
  }
}

/** JSON that was right, with something in it that its reader may not expect. */
export function spoilJson(random: Random, text: string): string {
  switch (random.int(8)) {
    case 0:
      return text.replace(/:("[^"]*"|\d+|true|false|null)/, `:${JSON.stringify(someNumber(random))}`);
    case 1:
      return text.replace(/:("[^"]*"|\d+|true|false|null)/, ":null");
    case 2:
      return text.replace(/"[^"]*"/, JSON.stringify(someText(random)));
    case 3:
      return "[".repeat(random.pick([10, 100, 1_000, 20_000]));
    case 4:
      return `${'{"a":'.repeat(1_000)}1${"}".repeat(1_000)}`;
    case 5:
      return text.replace(/^\{/, '{"__proto__":{"x":1},');
    case 6:
      return `${text}${text}`;
    default:
      return spoil(random, Buffer.from(text)).toString("latin1");
  }
}
