/** Bodies that take their time. */
import type { Header } from "../ask.ts";
import type { Case } from "../case.ts";
import { bodyOf, type Change, WIRES, type Wire } from "../wire.ts";
import { CANCEL, cancel, HTTP2_WIRES, LATE, OK, overEach } from "./cancel.ts";

const deadline = (ms: number): readonly Header[] => [
  ["grpc-timeout", `${ms}m`],
  ["connect-timeout-ms", String(ms)],
];

/** A body in two halves. */
function halves(wire: Wire, processId: string): Buffer[] {
  const bytes = bodyOf(wire, CANCEL, cancel(processId));
  return [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
}

function slow(name: string, change: Change, is: typeof OK, wires: readonly Wire[] = WIRES): Case[] {
  return wires.flatMap((wire) => overEach([wire], name, cancel("p-1"), { body: halves(wire, "p-1"), ...change }, is));
}

export const SLOW: readonly Case[] = [
  ...slow("a body in two halves, at once", { pause: 20 }, OK),
  ...slow("a body in two halves, after a while", { pause: 80 }, OK),
  ...slow(
    "a body in two halves, after a while, with a deadline that holds",
    { pause: 80, headers: deadline(9000) },
    OK,
  ),
  ...slow("a body that begins late", { pause: 130 }, OK),
  ...slow("a deadline that passes before the body begins", { pause: 150, headers: deadline(30) }, LATE),
  ...slow("a deadline that passes within the body", { pause: 100, headers: deadline(150) }, LATE),
  ...slow("a deadline that passes within a body that has no end", { isEndless: true, headers: deadline(150) }, LATE),
  // Over HTTP/1.1 Node counts the same time, and one of the two is first.
  ...slow("a body that has no end", { isEndless: true }, LATE, HTTP2_WIRES),
];
