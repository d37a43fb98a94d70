/** A cancellation in words. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type Cancellation,
  CancellationOutcome,
  CancellationStage,
  StopProof,
  Strategy,
  TerminationStatus,
} from "../../gen/belay/v1/cancellation_pb.ts";
import { green, type Paint, plain, red, yellow } from "./paint.ts";
import type { Cell, Fact } from "./table.ts";
import { localDateTime, localTime } from "./time_format.ts";
import { wordOf } from "./words.ts";

/** What a cancellation waits for, in a phrase: "asked to stop; terminated at 12:03:11.250 unless it has stopped". */
export function waitsFor(cancellation: Cancellation): string {
  const { stage, incident, overdueReason } = cancellation;
  if (incident !== undefined) {
    return `listener ${incident.listenerType} ran out of retries (${incident.message}); an operator has to resolve it`;
  }
  if (overdueReason !== "") return `overdue, ${overdueReason}`;
  switch (stage) {
    case CancellationStage.CHILDREN:
      return "its children are stopped first";
    case CancellationStage.STOPPING:
      return `its worker is asked to stop${forceNote(cancellation.forceTime)}`;
    case CancellationStage.TERMINATING:
      return "its work is being terminated";
    case CancellationStage.LISTENERS:
      return "its listeners have to complete";
    case CancellationStage.ENDED:
      return "ended";
    default:
      return "under way";
  }
}

function forceNote(forceTime: Timestamp | undefined): string {
  return forceTime === undefined ? "" : `, and terminated at ${localTime(forceTime, new Date())} unless it has`;
}

/** "soft_then_force, 10 s" */
export function strategyInWords({ strategy, forceAfterSeconds }: Cancellation): string {
  const word = wordOf(Strategy, strategy);
  return strategy === Strategy.SOFT_THEN_FORCE ? `${word}, ${forceAfterSeconds} s` : word;
}

export function outcomeCell({ outcome }: Cancellation): Cell {
  return { text: wordOf(CancellationOutcome, outcome), paint: OUTCOME_PAINT[outcome] ?? plain };
}

const OUTCOME_PAINT: { readonly [outcome: number]: Paint } = {
  [CancellationOutcome.CANCELLED]: green,
  [CancellationOutcome.FAILED]: red,
  [CancellationOutcome.PENDING]: yellow,
};

export function proofCell(proof: StopProof): Cell {
  return { text: wordOf(StopProof, proof), paint: PROOF_PAINT[proof] ?? plain };
}

const PROOF_PAINT: { readonly [proof: number]: Paint } = {
  [StopProof.CONFIRMED]: green,
  [StopProof.LOST]: red,
  [StopProof.PENDING]: yellow,
};

/** All that is known of a cancellation, but its timeline. */
export function cancellationFacts(cancellation: Cancellation): Fact[] {
  const { id, reason, requestedBy, stage, termination, requestTime, endTime, failure } = cancellation;
  const facts: Fact[] = [
    ["cancellation", id],
    ["strategy", strategyInWords(cancellation)],
    ["outcome", outcomeCell(cancellation)],
    ["stop proof", proofCell(cancellation.stopProof)],
    ["termination", wordOf(TerminationStatus, termination).replaceAll("_", " ")],
  ];
  if (stage !== CancellationStage.ENDED) facts.push(["waits for", waitsFor(cancellation)]);
  if (failure !== "") facts.push(["failure", { text: failure, paint: red }]);
  if (reason !== "") facts.push(["reason", reason]);
  const requester = [requestedBy?.system, requestedBy?.user].filter(Boolean).join(", ");
  if (requester !== "") facts.push(["requested by", requester]);
  if (requestTime !== undefined) facts.push(["requested", localDateTime(requestTime)]);
  if (endTime !== undefined) facts.push(["ended", localDateTime(endTime)]);
  return facts;
}
