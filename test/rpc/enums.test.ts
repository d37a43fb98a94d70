import type { DescEnum } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  CancellationOutcomeSchema,
  CancellationStageSchema,
  EventTypeSchema,
  StopProofSchema,
  StrategySchema,
  TerminationStatusSchema,
} from "../../gen/belay/v1/cancellation_pb.ts";
import { ErrorReasonSchema } from "../../gen/belay/v1/error_reason_pb.ts";
import { ExecutionStateSchema, QueueItemStateSchema } from "../../gen/belay/v1/execution_pb.ts";
import { KindSchema } from "../../gen/belay/v1/execution_ref_pb.ts";
import { StopSignalSchema } from "../../gen/belay/v1/worker_service_pb.ts";
import { REFUSAL_REASONS } from "../../src/domain/refusal.ts";
import {
  EVENT_TYPE_MESSAGES,
  KIND_MESSAGES,
  kindOfMessage,
  OUTCOME_MESSAGES,
  outcomeOfMessage,
  QUEUE_ITEM_STATE_MESSAGES,
  queueItemStateOfMessage,
  SIGNAL_MESSAGES,
  STAGE_MESSAGES,
  STATE_MESSAGES,
  STOP_PROOF_MESSAGES,
  STRATEGY_MESSAGES,
  stateOfMessage,
  strategyOfMessage,
  TERMINATION_MESSAGES,
} from "../../src/rpc/convert/enums.ts";
import { REASONS } from "../../src/rpc/reasons.ts";

/** Names and numbers of an enum as the domain would write them, without UNSPECIFIED. */
function membersOf(schema: DescEnum): Record<string, number> {
  const members = schema.values.filter((value) => value.number !== 0);
  return Object.fromEntries(members.map(({ name, number }) => [name.slice(prefixOf(schema).length), number]));
}

function prefixOf(schema: DescEnum): string {
  return schema.values[0]!.name.replace(/UNSPECIFIED$/, "");
}

function upperCase(table: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(table).map(([name, number]) => [name.toUpperCase(), number]));
}

describe("the contract's enums and the domain's unions have the same members", () => {
  const { none: _, ...signals } = SIGNAL_MESSAGES;
  it.each<[DescEnum, Readonly<Record<string, number>>]>([
    [KindSchema, KIND_MESSAGES],
    [ExecutionStateSchema, STATE_MESSAGES],
    [QueueItemStateSchema, QUEUE_ITEM_STATE_MESSAGES],
    [StrategySchema, STRATEGY_MESSAGES],
    [CancellationOutcomeSchema, OUTCOME_MESSAGES],
    [CancellationStageSchema, STAGE_MESSAGES],
    [StopProofSchema, STOP_PROOF_MESSAGES],
    [TerminationStatusSchema, TERMINATION_MESSAGES],
    [EventTypeSchema, EVENT_TYPE_MESSAGES],
    [StopSignalSchema, signals],
  ])("%s", (schema, table) => {
    expect(upperCase(table)).toEqual(membersOf(schema));
  });

  it("ErrorReason, with every refusal of the domain among its members", () => {
    const reasons = Object.keys(membersOf(ErrorReasonSchema));
    expect(REASONS.map((reason) => reason.toUpperCase()).sort()).toEqual(reasons.sort());
    expect(REASONS).toEqual(expect.arrayContaining([...REFUSAL_REASONS]));
  });
});

describe("the way back", () => {
  it("is the name that the number came from", () => {
    expect(namesOf(KIND_MESSAGES, kindOfMessage)).toEqual(Object.keys(KIND_MESSAGES));
    expect(namesOf(STATE_MESSAGES, stateOfMessage)).toEqual(Object.keys(STATE_MESSAGES));
    expect(namesOf(QUEUE_ITEM_STATE_MESSAGES, queueItemStateOfMessage)).toEqual(Object.keys(QUEUE_ITEM_STATE_MESSAGES));
    expect(namesOf(STRATEGY_MESSAGES, strategyOfMessage)).toEqual(Object.keys(STRATEGY_MESSAGES));
    expect(namesOf(OUTCOME_MESSAGES, outcomeOfMessage)).toEqual(Object.keys(OUTCOME_MESSAGES));
  });

  it("is nothing for UNSPECIFIED", () => {
    const unspecified = [kindOfMessage(0), stateOfMessage(0), strategyOfMessage(0), outcomeOfMessage(0)];
    expect(unspecified).toEqual([undefined, undefined, undefined, undefined]);
  });
});

function namesOf<M extends number>(
  table: Readonly<Record<string, M>>,
  ofMessage: (number: M) => string | undefined,
): (string | undefined)[] {
  return Object.values<M>(table).map((number) => ofMessage(number));
}
