/** Calls that a server with too much to do lets in or not: the cancels not, the reads yes. */
import type { Case } from "../case.ts";
import { ask, WIRES } from "../wire.ts";
import { cancel, GET, HTTP1_WIRES, type Is, LIST, OK, overEach, summaryOf } from "./cancel.ts";

const OVERLOADED_ANSWER: Is = { grpc: 8, http: "503 resource_exhausted" };

export const OVERLOADED: readonly Case[] = [
  ...overEach(WIRES, "a cancel that is not let in", cancel("p-1"), {}, OVERLOADED_ANSWER),
  ...overEach(WIRES, "one that can't be read either", Buffer.from([0xff]), {}, OVERLOADED_ANSWER),
  ...overEach(WIRES, "one without a body", cancel("p-1"), { body: [] }, OVERLOADED_ANSWER),
  ...overEach(
    HTTP1_WIRES,
    "one that asks whether to go on",
    cancel("p-1"),
    { headers: [["Expect", "100-continue"]] },
    OVERLOADED_ANSWER,
  ),
  ...overEach(
    WIRES,
    "one of a page",
    cancel("p-1"),
    { headers: [["origin", "http://localhost:5173"]] },
    OVERLOADED_ANSWER,
  ),
  ...WIRES.map((wire) => ({
    name: `${wire}: a list that is let in`,
    ask: ask(wire, LIST, {}),
    is: summaryOf(wire, OK),
  })),
  ...WIRES.map((wire) => ({
    name: `${wire}: a read that is let in`,
    ask: ask(wire, GET, { cancellationId: "00000000-0000-7000-8000-000000000009" }),
    is: summaryOf(wire, { grpc: 5, http: "404 not_found" }),
  })),
];
