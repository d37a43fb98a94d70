/** An execution in words. */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Execution, ExecutionState } from "../../gen/belay/v1/execution_pb.ts";
import { proofCell } from "./cancellation_facts.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import { dim, green, type Paint, plain, red, yellow } from "./paint.ts";
import type { Cell, Fact } from "./table.ts";
import { ageOf, localDateTime } from "./time_format.ts";
import { wordOf } from "./words.ts";

export function stateCell(state: ExecutionState): Cell {
  return { text: wordOf(ExecutionState, state), paint: STATE_PAINT[state] ?? plain };
}

const STATE_PAINT: { readonly [state: number]: Paint } = {
  [ExecutionState.PENDING]: dim,
  [ExecutionState.RUNNING]: green,
  [ExecutionState.CANCELLING]: yellow,
  [ExecutionState.FAILED]: red,
};

/** "env=prod, team=billing" */
export function labelsInWords({ labels }: Execution): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** What all kinds share, but the cancellation. */
export function executionFacts(execution: Execution): Fact[] {
  const facts: Fact[] = [
    ["state", stateCell(execution.state)],
    ["stop proof", proofCell(execution.stopProof)],
    ["engine", execution.engine],
  ];
  if (execution.workerId !== "") facts.push(["worker", execution.workerId]);
  if (execution.parent !== undefined) facts.push(["parent", nameOf(execution.parent)]);
  if (execution.root !== undefined) facts.push(["root", nameOf(execution.root)]);
  const labels = labelsInWords(execution);
  if (labels !== "") facts.push(["labels", labels]);
  const listeners = execution.listeners.map(({ type }) => type).join(", ");
  if (listeners !== "") facts.push(["listeners", listeners]);
  if (execution.error !== undefined) facts.push(["error", execution.error.message]);
  return [
    ...facts,
    ...timeFact("registered", execution.createTime),
    ...timeFact("started", execution.startTime),
    ...timeFact("ended", execution.endTime),
  ];
}

function timeFact(name: string, time: Timestamp | undefined): Fact[] {
  return time === undefined ? [] : [[name, `${localDateTime(time)} (${ageOf(time, new Date())} ago)`]];
}
