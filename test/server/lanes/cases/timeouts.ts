/** Deadlines of callers: those that hold, those that pass, and those that are none. */
import type { Case } from "../case.ts";
import { WIRES, type Wire } from "../wire.ts";
import { CONNECT_WIRES, cancel, type Is, LATE, MALFORMED, OK, overEach } from "./cancel.ts";

const GRPC: readonly Wire[] = ["gRPC"];

const IN_TIME = [
  "100S",
  "5M",
  "1H",
  "9000m",
  "9000000u",
  "99999999u",
  "00000007S",
  "99999999S",
  "99999999H",
  "99999999M",
];
const NO_TIMEOUT = [
  "1",
  "S",
  "1s",
  "-1S",
  "+1S",
  "123456789S",
  "1 S",
  "1.5S",
  "1e3m",
  "0x1S",
  "1S,2S",
  "soon",
  "1S2S",
  "\u00b2S",
];
const CONNECT_IN_TIME = ["9000", "0000009000", "2147483647", "2147483648", "9999999999"];
const NO_CONNECT_TIMEOUT = ["", "soon", "-1", "+1", "1.5", "1e3", "12345678901", "1 0", "10m", "0x10"];

function grpc(name: string, timeout: string, processId: string, is: Is, more: Partial<Case> = {}): Case[] {
  return overEach(GRPC, name, cancel(processId), { headers: [["grpc-timeout", timeout]] }, is, more);
}

function connect(name: string, timeout: string, processId: string, is: Is, more: Partial<Case> = {}): Case[] {
  return overEach(CONNECT_WIRES, name, cancel(processId), { headers: [["connect-timeout-ms", timeout]] }, is, more);
}

export const TIMEOUTS: readonly Case[] = [
  ...IN_TIME.flatMap((timeout) => grpc(`deadline-propagation/unary/success: ${timeout}`, timeout, "p-1", OK)),
  ...CONNECT_IN_TIME.flatMap((timeout) =>
    connect(`deadline-propagation/unary/success: ${timeout}`, timeout, "p-1", OK),
  ),
  // Connect's timer and that of the RPC room go off at the same time, and tell it in their own words.
  ...["60m", "60000u", "60000000n"].flatMap((timeout) =>
    grpc(`timeouts/unary: ${timeout}`, timeout, "stuck", LATE, { races: true }),
  ),
  ...connect("timeouts/unary: 60", "60", "stuck", LATE, { races: true }),
  // Whether it passes before the body is read or after it is chance.
  ...["0S", "0n", "1n", "1u", "1m"].flatMap((timeout) =>
    grpc(`a deadline of ${timeout}`, timeout, "stuck", LATE, { races: true }),
  ),
  ...["0", "1"].flatMap((timeout) => connect(`a deadline of ${timeout}`, timeout, "stuck", LATE, { races: true })),
  ...NO_TIMEOUT.flatMap((timeout) => grpc(`grpc-timeout: "${timeout}"`, timeout, "p-1", MALFORMED)),
  ...grpc('grpc-timeout: ""', "", "p-1", MALFORMED),
  ...NO_CONNECT_TIMEOUT.flatMap((timeout) => connect(`connect-timeout-ms: "${timeout}"`, timeout, "p-1", MALFORMED)),
  ...overEach(
    GRPC,
    "grpc-timeout twice",
    cancel("p-1"),
    {
      headers: [
        ["grpc-timeout", "1S"],
        ["grpc-timeout", "1S"],
      ],
    },
    MALFORMED,
  ),
  ...overEach(GRPC, "the timeout of Connect", cancel("p-1"), { headers: [["connect-timeout-ms", "9000"]] }, OK),
  ...overEach(GRPC, "a malformed timeout of Connect", cancel("p-1"), { headers: [["connect-timeout-ms", "soon"]] }, OK),
  ...overEach(CONNECT_WIRES, "the timeout of gRPC", cancel("p-1"), { headers: [["grpc-timeout", "9S"]] }, OK),
  ...overEach(CONNECT_WIRES, "a malformed timeout of gRPC", cancel("p-1"), { headers: [["grpc-timeout", "soon"]] }, OK),
  ...overEach(
    GRPC,
    "the timeout of Connect passes",
    cancel("stuck"),
    { headers: [["connect-timeout-ms", "60"]] },
    LATE,
    { races: true },
  ),
  ...overEach(
    CONNECT_WIRES,
    "the timeout of gRPC passes",
    cancel("stuck"),
    { headers: [["grpc-timeout", "60m"]] },
    LATE,
    { races: true },
  ),
  ...overEach(
    WIRES,
    "both timeouts, that of gRPC is nearer",
    cancel("stuck"),
    {
      headers: [
        ["grpc-timeout", "60m"],
        ["connect-timeout-ms", "90000"],
      ],
    },
    LATE,
    { races: true },
  ),
  ...overEach(WIRES, "no deadline", cancel("p-1"), {}, OK),
];
