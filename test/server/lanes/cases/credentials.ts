/** What callers show at the gate. */
import { ExecutionService } from "../../../../gen/belay/v1/execution_service_pb.ts";
import { Health } from "../../../../gen/grpc/health/v1/health_pb.ts";
import type { KeyGrant } from "../../../../src/gate/key_ring.ts";
import type { Header } from "../ask.ts";
import type { Case } from "../case.ts";
import { ask, isJson, WIRES } from "../wire.ts";
import { CANCEL, cancel, type Is, NOT_FOUND, OK, summaryOf } from "./cancel.ts";

const KEY = "the-key-that-may-do-everything";
const READER = "the-key-that-may-only-read";

export const KEYS: readonly KeyGrant[] = [
  { key: KEY, name: "operator", scopes: null },
  { key: READER, name: "reader", scopes: ["executions:read"] },
];

const UNAUTHENTICATED: Is = { grpc: 16, http: "401 unauthenticated" };
const FORBIDDEN: Is = { grpc: 7, http: "403 permission_denied" };
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

const SHOWN: readonly (readonly [name: string, headers: readonly Header[], is: Is])[] = [
  ["nothing", [], UNAUTHENTICATED],
  ["a bearer", [["authorization", `Bearer ${KEY}`]], NOT_FOUND],
  ["a bearer in lower case", [["authorization", `bearer ${KEY}`]], NOT_FOUND],
  ["a wrong bearer", [["authorization", "Bearer wrong"]], UNAUTHENTICATED],
  ["an empty bearer", [["authorization", "Bearer "]], UNAUTHENTICATED],
  ["a scheme that nobody knows", [["authorization", `Digest ${KEY}`]], UNAUTHENTICATED],
  ["basic", [["authorization", basic(`anybody:${KEY}`)]], NOT_FOUND],
  ["basic with a wrong password", [["authorization", basic("anybody:wrong")]], UNAUTHENTICATED],
  ["basic without a colon", [["authorization", basic(KEY)]], UNAUTHENTICATED],
  ["api-key", [["api-key", KEY]], NOT_FOUND],
  ["a wrong api-key", [["api-key", "wrong"]], UNAUTHENTICATED],
  ["apikey", [["apikey", KEY]], NOT_FOUND],
  [
    "both keys of Datadog",
    [
      ["dd-api-key", KEY],
      ["dd-application-key", KEY],
    ],
    NOT_FOUND,
  ],
  ["one key of Datadog", [["dd-api-key", KEY]], UNAUTHENTICATED],
  [
    "a right key of Datadog and a wrong one",
    [
      ["dd-api-key", KEY],
      ["dd-application-key", "wrong"],
    ],
    UNAUTHENTICATED,
  ],
  [
    "two bearers",
    [
      ["authorization", `Bearer ${KEY}`],
      ["authorization", "Bearer wrong"],
    ],
    NOT_FOUND,
  ],
  ["a key without the scope", [["authorization", `Bearer ${READER}`]], FORBIDDEN],
];

export const CREDENTIALS: readonly Case[] = WIRES.flatMap((wire) => {
  const unreadable = isJson(wire) ? Buffer.from("{") : Buffer.from([0xff]);
  return [
    ...SHOWN.map(([name, headers, is]) => ({
      name: `${wire}: shows ${name}`,
      ask: ask(wire, CANCEL, cancel("none"), { headers }),
      is: summaryOf(wire, is),
    })),
    {
      name: `${wire}: shows nothing with a request that is invalid`,
      ask: ask(wire, CANCEL, cancel("")),
      is: summaryOf(wire, UNAUTHENTICATED),
    },
    {
      name: `${wire}: shows nothing with a request that can't be read`,
      ask: ask(wire, CANCEL, unreadable),
      is: summaryOf(wire, UNAUTHENTICATED),
    },
    {
      name: `${wire}: shows a key with a request that can't be read`,
      ask: ask(wire, CANCEL, unreadable, { headers: [["api-key", KEY]] }),
      is: summaryOf(wire, { grpc: 3, http: "400 invalid_argument" }),
    },
    {
      name: `${wire}: shows a key without the scope with a request that can't be read`,
      ask: ask(wire, CANCEL, unreadable, { headers: [["api-key", READER]] }),
      is: summaryOf(wire, FORBIDDEN),
    },
    {
      name: `${wire}: reads with the scope for it`,
      ask: ask(wire, ExecutionService.method.listProcesses, {}, { headers: [["api-key", READER]] }),
      is: summaryOf(wire, OK),
    },
    {
      name: `${wire}: asks for the health without a key`,
      ask: ask(wire, Health.method.check, {}),
      is: summaryOf(wire, OK),
    },
  ];
});

/** Of ports that let each caller call only so often. */
export const RATE_LIMIT = { calls: 2, period: 3_600_000 } as const;

const LIMITED: Is = { grpc: 8, http: "429 resource_exhausted" };

/** Each wire has as many callers as there are rows. */
export const RATE_LIMITED: readonly Case[] = WIRES.flatMap((wire, column) => {
  const headers: readonly Header[] = [["api-key", callerOf(column)]];
  const asked = ask(wire, CANCEL, cancel("none"), { headers });
  return [
    { name: `${wire}: the first call of a caller`, ask: asked, is: summaryOf(wire, NOT_FOUND) },
    { name: `${wire}: the second call`, ask: asked, is: summaryOf(wire, NOT_FOUND) },
    { name: `${wire}: one call too many`, ask: asked, is: summaryOf(wire, LIMITED) },
    {
      name: `${wire}: one call too many that can't be read`,
      ask: ask(wire, CANCEL, Buffer.from([0xff]), { headers }),
      is: summaryOf(wire, LIMITED),
    },
  ];
});

export const RATE_LIMITED_KEYS: readonly KeyGrant[] = WIRES.map((_wire, column) => ({
  key: callerOf(column),
  name: callerOf(column),
  scopes: null,
}));

function callerOf(column: number): string {
  return `the-key-of-caller-${column}`;
}
