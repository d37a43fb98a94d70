/** Answers that are larger than what a client takes at a time. */
import type { Case } from "../case.ts";
import { ask, type Change, WIRES, type Wire } from "../wire.ts";
import { cancel, HTTP2_WIRES, LIST, OK, overEach, summaryOf } from "./cancel.ts";

function answering(name: string, wires: readonly Wire[], bytes: number, change: Change = {}): Case[] {
  return wires.map((wire) => ({
    name: `${wire}: ${name}`,
    ask: ask(wire, LIST, { pageToken: String(bytes) }, change),
    is: summaryOf(wire, OK),
  }));
}

/** Around the sizes of a frame, of a piece that is written at once, and of the window of HTTP/2. */
const SIZES = [16_370, 16_384, 65_500, 65_530, 65_536, 65_540, 131_072, 1_000_000];

export const LARGE: readonly Case[] = [
  ...SIZES.flatMap((bytes) => answering(`an answer of ${bytes} bytes and what frames them`, WIRES, bytes)),
  ...answering("an answer in windows of 1,000 bytes", HTTP2_WIRES, 20_000, { window: 1_000 }),
  ...answering("a compressed answer of 1,000,000 bytes", WIRES, 1_000_000, {
    headers: [
      ["grpc-accept-encoding", "gzip"],
      ["accept-encoding", "gzip"],
    ],
  }),
  ...answering("a client that takes nothing of a large answer", HTTP2_WIRES, 300_000, { window: 0 }).map(cutOff),
  ...overEach(HTTP2_WIRES, "a client that takes nothing of a small answer", cancel("p-1"), { window: 0 }, OK).map(
    cutOff,
  ),
];

function cutOff(one: Case): Case {
  return { ...one, is: "200, reset 8" };
}
