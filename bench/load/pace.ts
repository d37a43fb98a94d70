/** The open loop: calls are sent when they are due, whether or not the server keeps up. Latencies count from when a call was due. */
import { setImmediate as turn } from "node:timers/promises";
import { type Answer, checkAnswers } from "./check_answers.ts";
import { mayBeRefused, place } from "./drive.ts";
import type { IdForm } from "./execution_id.ts";
import type { Lane } from "./lane.ts";
import { latencyOf } from "./latency.ts";
import { openLanes } from "./open_lanes.ts";
import type { Flow, PacedOrder, PacedResult } from "./order.ts";
import { type RepeatedRequest, repeatedRequest } from "./request_bodies.ts";

/**
 * How long the process sleeps between two looks at its sockets and its clock, in milliseconds: a timer is ten times as coarse, and
 * looking all the time would take a whole processor from the server.
 */
const NAP = 0.05;

/** A caller who waits longer has gone. In milliseconds. */
const PATIENCE = 30_000;

interface PacedFlow {
  readonly flow: Flow;
  readonly request: RepeatedRequest;
  readonly answers: Answer[];
  readonly latencies: number[];
  sent: number;
  refused: number;
  dueAt: number;
}

/** Carries out an order. Rejects if a call fails, an answer is wrong, or a flow runs out of executions. */
export async function pace(order: PacedOrder): Promise<PacedResult> {
  const { wire, seconds, ids = "uuid" } = order;
  const lanes = await openLanes(order);
  try {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const flows = order.flows.map((flow) => ({
      flow,
      request: repeatedRequest(flow.call, wire, ids, flow.first),
      answers: [],
      latencies: [],
      sent: 0,
      refused: 0,
      dueAt: startedAt + gap(flow.rate),
    }));
    const sentLate = await sendAll(flows, ids, [...lanes.all], startedAt + seconds * 1000);
    const cpu = process.cpuUsage(cpuBefore);
    for (const { flow, answers } of flows) checkAnswers(answers, flow.call, wire, ids);
    return {
      flows: flows.map(({ sent, refused, latencies }) => ({ calls: sent, refused, latency: latencyOf(latencies) })),
      sentLate: latencyOf(sentLate),
      loadCpu: (cpu.user + cpu.system) / 1e6 / seconds,
    };
  } finally {
    await lanes.close();
  }
}

async function sendAll(
  flows: readonly PacedFlow[],
  ids: IdForm,
  idle: Lane[],
  endsAt: number,
): Promise<readonly number[]> {
  const sentLate: number[] = [];
  const waiting: (() => void)[] = [];
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let failure: Error | null = null;
  let open = 0;

  const send = (paced: PacedFlow): void => {
    const { flow, request, answers, latencies, dueAt } = paced;
    const number = flow.first + place(paced.sent, flow, ids);
    paced.sent += 1;
    open += 1;
    const begin = (): void => {
      const lane = idle.pop();
      if (lane === undefined) {
        waiting.push(begin);
        return;
      }
      sentLate.push(performance.now() - dueAt);
      lane.call(request.path, request.body(number), (error, body) => {
        open -= 1;
        if (error === null) {
          latencies.push(performance.now() - dueAt);
          answers.push({ number, body });
        } else if (mayBeRefused(flow.call, error)) paced.refused += 1;
        else failure ??= error;
        idle.push(lane);
        waiting.shift()?.();
      });
    };
    begin();
  };

  for (;;) {
    const now = performance.now();
    for (const paced of flows) {
      while (paced.dueAt <= now && paced.dueAt < endsAt) {
        if (mayNotRepeat(paced)) throw new Error(`there are only ${paced.flow.count} executions to ${paced.flow.call}`);
        send(paced);
        paced.dueAt += gap(paced.flow.rate);
      }
    }
    if (failure !== null) throw failure;
    if (now >= endsAt && open === 0) return sentLate;
    if (now >= endsAt + PATIENCE) throw new Error(`${open} calls were not answered in ${PATIENCE / 1000} s`);
    Atomics.wait(sleeper, 0, 0, NAP);
    await turn();
  }
}

function mayNotRepeat({ flow, sent }: PacedFlow): boolean {
  return sent + (flow.skip ?? 0) >= flow.count && flow.call !== "get" && flow.call !== "heartbeat";
}

/** Callers know nothing of each other: the gaps between their calls are exponentially distributed. In milliseconds. */
function gap(rate: number): number {
  return (-Math.log(1 - Math.random()) / rate) * 1000;
}
