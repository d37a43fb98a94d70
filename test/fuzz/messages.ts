/** Requests of the contract's RPCs, made by chance from its descriptors. */
import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Random } from "./random.ts";
import { someId, someNumber, someText } from "./values.ts";

const MAX_DEPTH = 4;

/** A message that can be encoded; most break a rule of the contract. */
export function someMessage(random: Random, desc: DescMessage): Message {
  const message = create(desc);
  fill(random, reflect(desc, message, false), 0);
  return message;
}

/** As protobuf, or as JSON where that is possible. */
export function encodeMessage(desc: DescMessage, message: Message, format: "proto" | "json"): Buffer {
  if (format === "proto") return Buffer.from(toBinary(desc, message));
  try {
    return Buffer.from(JSON.stringify(toJson(desc, message)));
  } catch {
    // Chance made a time or a number that JSON can't tell.
    return Buffer.from("{}");
  }
}

function fill(random: Random, message: ReflectMessage, depth: number): void {
  for (const field of message.desc.fields) {
    if (random.chance(depth === 0 ? 0.2 : 0.4)) continue;
    switch (field.fieldKind) {
      case "scalar":
        message.set(field, someScalar(random, field.scalar, field));
        break;
      case "enum":
        message.set(field, random.chance(0.9) ? random.pick(field.enum.values).number : someInt32(random));
        break;
      case "message":
        if (depth < MAX_DEPTH) message.set(field, someChild(random, field.message, depth));
        break;
      case "list":
        fillList(random, message, field, depth);
        break;
      case "map":
        if (field.mapKind === "scalar" && field.mapKey === ScalarType.STRING) {
          message.get(field).set(someText(random), someScalar(random, field.scalar, field));
        }
        break;
    }
  }
}

function fillList(
  random: Random,
  message: ReflectMessage,
  field: DescField & { fieldKind: "list" },
  depth: number,
): void {
  const list = message.get(field);
  for (let left = random.int(4); left > 0; left -= 1) {
    if (field.listKind === "scalar") list.add(someScalar(random, field.scalar, field));
    else if (field.listKind === "enum") list.add(random.pick(field.enum.values).number);
    else if (depth < MAX_DEPTH) list.add(someChild(random, field.message, depth));
  }
}

function someChild(random: Random, desc: DescMessage, depth: number): ReflectMessage {
  const child = reflect(desc, create(desc), false);
  fill(random, child, depth + 1);
  return child;
}

function someScalar(random: Random, type: ScalarType, field: DescField) {
  switch (type) {
    case ScalarType.STRING:
      if (/(id|key)$/.test(field.name) && random.chance(0.7)) return someId(random);
      // Protobuf has no half characters.
      return someText(random).toWellFormed();
    case ScalarType.BYTES:
      return Uint8Array.from(random.bytes(random.int(20)));
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return Math.fround(someNumber(random) % 1e30);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return BigInt.asIntN(64, BigInt(random.pick([0, 1, -1, 7, 2 ** 53])) << BigInt(random.int(12)));
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return BigInt(random.pick([0, 1, 7, 2 ** 53]));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return random.pick([0, 1, 60, 2 ** 32 - 1]);
    default:
      return someInt32(random);
  }
}

function someInt32(random: Random): number {
  return random.pick([0, 1, -1, 5, 60, 1_000, 2 ** 31 - 1, -(2 ** 31)]);
}
