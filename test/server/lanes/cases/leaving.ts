/** Clients that leave. */
import type { Case } from "../case.ts";
import { bodyOf, WIRES, type Wire } from "../wire.ts";
import { CANCEL, cancel, HTTP1_WIRES, overEach } from "./cancel.ts";

const GONE = { grpc: 1, http: "" };

function leaving(
  wire: Wire,
  name: string,
  processId: string,
  leaves: "unfinished" | "reached",
  body: readonly Buffer[],
): Case[] {
  const is = wire.endsWith("HTTP/1.1") ? "closed" : "no answer, reset 8";
  return overEach([wire], name, cancel(processId), { leaves, body }, GONE).map((one) => ({ ...one, is }));
}

export const LEAVING: readonly Case[] = WIRES.flatMap((wire) => {
  const whole = bodyOf(wire, CANCEL, cancel("stuck"));
  return [
    ...leaving(wire, "client-cancellation/unary/cancel-after-close-send", "stuck", "reached", [whole]),
    ...leaving(wire, "a client that leaves before its body", "p-1", "unfinished", []),
    ...leaving(wire, "a client that leaves within its body", "p-1", "unfinished", [whole.subarray(0, 7)]),
    ...leaving(wire, "a client that leaves within the first bytes of its body", "p-1", "unfinished", [
      whole.subarray(0, 2),
    ]),
    ...leaving(wire, "a client that leaves after a body that does not end", "p-1", "unfinished", [
      bodyOf(wire, CANCEL, cancel("p-1")),
    ]),
  ].filter((one) => !(HTTP1_WIRES.includes(wire) && one.name.endsWith("does not end")));
});
