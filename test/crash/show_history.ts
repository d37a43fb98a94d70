/** A history that can't be explained, for people: a line a call and a line an event, in the order of their times. */
import type { Answer, Call, History, Verdict } from "./history.ts";

export function showHistory({ key, calls, events, final }: History, verdict: Verdict): string {
  const begin = Math.min(...calls.map(({ invoked }) => invoked), ...events.map(({ at }) => at));
  const lines = [
    ...calls.map((call) => ({ at: call.invoked, line: showCall(call, begin) })),
    ...events.map(({ at, type, attributes }) => ({
      at,
      line: `${at - begin} event ${type} ${JSON.stringify(attributes)}`,
    })),
  ].sort((a, b) => a.at - b.at);
  return [
    `${key.id} ends as ${final?.state} ${JSON.stringify(final?.cancellation)}`,
    ...lines.map(({ line }) => line),
    "explained so far:",
    ...verdict.order,
    verdict.explained ? "" : `stuck at ${verdict.stuckAt}`,
  ].join("\n  ");
}

function showCall({ client, asked, commandId, invoked, returned, answer }: Call, begin: number): string {
  const what = JSON.stringify({ ...asked, ...("spec" in asked && { spec: undefined }), commandId });
  return `${invoked - begin}–${returned - begin} ${client} ${what} → ${answer === null ? "no answer" : showAnswer(answer)}`;
}

function showAnswer(answer: Answer): string {
  switch (answer.type) {
    case "refused":
      return `refused: ${answer.reason}`;
    case "signal":
      return `signal ${answer.signal}`;
    case "accepted": {
      const { state, token, lease, cancellation } = answer.execution;
      const { stage, proof, strategy, stopDelivered, termination } = cancellation ?? {};
      return JSON.stringify({
        ...answer,
        execution: { state, token, lease, stage, proof, strategy, stopDelivered, termination },
      });
    }
  }
}
